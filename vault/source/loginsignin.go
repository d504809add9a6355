package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// The client IDs of AWS's sign-in service.
const (
	clientSameDevice  = "arn:aws:signin:::devtools/same-device"
	clientCrossDevice = "arn:aws:signin:::devtools/cross-device"
)

// IdentityError reports that the identity that signed in is not the expected identity.
type IdentityError struct{ Found, Want string }

func (e *IdentityError) Error() string {
	return fmt.Sprintf("%s has signed in, expected %s", e.Found, e.Want)
}

// SignIn signs the user in as aws login does and stores the sign-in. It returns the ARN of the identity that signed
// in. If want is not empty and differs from that ARN, SignIn returns an [*IdentityError].
func (l AWSLogin) SignIn(ctx context.Context, want string, remote bool) (string, error) {
	d := l.deps
	if err := l.api().Check(); err != nil {
		return "", err
	}
	exchange := d.Tokens.Exchange(string(plan.Login{Session: want}.TokenDigest()))
	if err := exchange.Prepare(ctx); err != nil {
		return "", fmt.Errorf("cannot store a sign-in: %w", err)
	}
	ctx, v, err := d.beginSignIn(ctx, l.api().EndpointName(), d.User.Unattended)
	if err != nil {
		return "", err
	}
	var t loginToken
	var warnings []error
	err = l.authorize(ctx, v, remote, func(g signin.Grant, client string) error {
		t, warnings, err = l.redeem(ctx, g, client, want, exchange)
		return err
	})
	if err := v.end(err); err != nil {
		return "", err
	}
	if !exchange.Durable() {
		return "", errors.Join(warnings...)
	}
	d.warn(warnings)
	return t.Session, nil
}

// redeem exchanges the code of a sign-in for credentials and stores the sign-in. If another user may have signed
// in, redeem stores the sign-in only after the user confirms it.
func (l AWSLogin) redeem(ctx context.Context, g signin.Grant, client, want string, exchange *store.Exchange) (t loginToken, warnings []error, err error) {
	key, err := awsapi.NewProofKey()
	if err != nil {
		return t, nil, err
	}
	if want != "" {
		var lock *store.Lock
		if ctx, lock, err = exchange.Lock(ctx, "the sign-in of "+want); err != nil {
			return t, nil, err
		}
		defer lock.Close()
	}
	confirmed := want != "" || g.PeerVerified // if false, the sign-in is stored only after the user confirms it
	to := exchange
	if !confirmed {
		to = nil
	}
	grant := awsapi.LoginGrant{Client: client, Type: awsapi.GrantCode, Code: g.Code, Verifier: g.Verifier, Redirect: g.Redirect}
	until := l.deps.AWS.Clock.Local().Add(loginLifetime).UTC()
	t, err = l.exchange(ctx, key, grant, loginToken{Client: client, Until: until, expected: want}, to)
	if err == nil && !confirmed {
		if err = l.deps.confirm(ctx, g, l.api().EndpointName(), t.Session); err == nil {
			exchange.SaveAs(string(plan.Login{Session: t.Session}.TokenDigest()), t.token())
		}
	}
	if err == nil && want == "" { // before the response, the identity was unknown, so its token could not be locked
		exchange.SaveAgain(ctx, "the sign-in of "+t.Session)
	}
	return t, exchange.Store(ctx), err
}

// authorize signs the user in with a browser on this machine, or on any machine if remote is set. It passes the
// resulting grant and the client ID to the function use.
func (l AWSLogin) authorize(ctx context.Context, v *signInAttempt, remote bool, use func(g signin.Grant, client string) error) error {
	api, person := l.api(), l.deps.User
	address := func(client, redirect string, p signin.Proof) string {
		return api.AuthorizeURL(awsapi.AuthorizeRequest{ClientID: client, Scopes: []string{"openid"}, RedirectURI: redirect, State: p.State, CodeChallenge: p.Challenge})
	}
	if !remote {
		page := func(p signin.Proof, redirect string) string { return address(clientSameDevice, redirect, p) }
		show := func(page string) error { return v.openSignInPage(api.EndpointName(), page) }
		return signin.WithBrowser(ctx, person.callbackOptions(), page, show, func(g signin.Grant) error { return use(g, clientSameDevice) })
	}
	if person.AskCode == nil {
		return errNoUser
	}
	show := func(page string) error { return person.showRemotePage(api.EndpointName(), page) }
	redirect := api.BaseURL() + "/v1/sessions/confirmation"
	page := func(p signin.Proof) string { return address(clientCrossDevice, redirect, p) }
	g, err := signin.WithPastedCode(ctx, redirect, page, show, person.AskCode)
	if err != nil {
		return err
	}
	return use(g, clientCrossDevice)
}

// Import moves the AWS CLI's sign-in of an identity to the keystore. It reports whether the AWS CLI has such a
// sign-in. The region comes from the AWS CLI's cache, or else from the step.
func (l AWSLogin) Import(ctx context.Context, session string) (bool, error) {
	d := l.deps
	cli, ok := d.Logins.Login(session)
	if !ok || cli.RefreshToken == "" {
		return false, nil
	}
	t := fromCache(session, cli)
	if _, err := awsapi.ParseProofKey(t.Key); err != nil {
		return true, err
	}
	at := l.step
	at.Region = cmp.Or(cli.SignInRegion, at.Region)
	t = t.withOrigin(at)
	t.Until = d.AWS.Clock.Local().Add(loginLifetime).UTC()
	warnings, err := d.Tokens.Replace(ctx, string(plan.Login{Session: session}.TokenDigest()), "the sign-in of "+session, t.token())
	d.warn(warnings)
	if err != nil {
		return true, err
	}
	if err := checkImported(ctx, d.Tokens, d.Logins, t); err != nil {
		return true, err
	}
	path := d.Logins.Path(session)
	links, err := disk.OtherLinks(path)
	if removed := d.Logins.Remove(session); removed != nil {
		return true, removed
	}
	if err == nil && links > 0 {
		d.notify(fmt.Sprintf("%s was removed, but the sign-in can still be read under another name (hard links: %d)", path, links))
	}
	return true, nil
}

// checkImported checks that the sign-in was stored correctly and that the AWS CLI has not renewed it in the meantime.
func checkImported(ctx context.Context, tokens *store.Tokens, cli *store.LoginCache, t loginToken) error {
	saved, _, err := tokens.Find(ctx, string(plan.Login{Session: t.Session}.TokenDigest()))
	if err != nil {
		return fmt.Errorf("checking the stored sign-in: %w", err)
	}
	if stored, ok := decode[loginToken](saved); !ok || stored.Refresh != t.Refresh || stored.Key != t.Key || stored.Client != t.Client {
		return errors.New("the sign-in read back from the keystore differs from the one that was written; the AWS CLI's sign-in was not removed")
	}
	if now, ok := cli.Login(t.Session); ok && now.RefreshToken != t.Refresh {
		return errors.New("the AWS CLI has renewed its sign-in during the import; import it again")
	}
	return nil
}
