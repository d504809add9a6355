package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// The programs that AWS's sign-in knows.
const (
	clientSameDevice  = "arn:aws:signin:::devtools/same-device"
	clientCrossDevice = "arn:aws:signin:::devtools/cross-device"
)

// IdentityError is returned where someone else signed in.
type IdentityError struct{ Found, Want string }

func (e *IdentityError) Error() string {
	return fmt.Sprintf("%s has signed in, want %s", e.Found, e.Want)
}

// SignIn has a person sign in as aws login has them, and keeps what that gives. It
// returns who they are. Where want is not empty, it is an [*IdentityError] if they are
// another.
func (l AWSLogin) SignIn(ctx context.Context, want string, remote bool) (string, error) {
	d := l.deps
	if err := l.api().Check(); err != nil {
		return "", err
	}
	exchange := d.Tokens.Exchange(string(plan.Login{Session: want}.Token()))
	if err := exchange.Prepare(ctx); err != nil {
		return "", fmt.Errorf("a sign-in is of no use: %w", err)
	}
	ctx, v, err := d.beginSignIn(ctx, l.api().EndpointName())
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

// redeem trades what a person brought, and stores what comes once it is certain who they are.
func (l AWSLogin) redeem(ctx context.Context, g signin.Grant, client, want string, exchange *store.Exchange) (t loginToken, warnings []error, err error) {
	key, err := awsapi.NewProofKey()
	if err != nil {
		return t, nil, err
	}
	ctx, lock, err := exchange.Lock(ctx, "the sign-in of "+want)
	if err != nil {
		return t, nil, err
	}
	defer lock.Close()
	confirmed := want != "" || g.PeerVerified // else it is not stored before
	to := exchange
	if !confirmed {
		to = nil
	}
	grant := awsapi.LoginGrant{Client: client, Type: awsapi.GrantCode, Code: g.Code, Verifier: g.Verifier, Redirect: g.Redirect}
	until := l.deps.AWS.Clock.Local().Add(loginLifetime).UTC()
	t, err = l.exchange(ctx, key, grant, loginToken{Client: client, Until: until, expected: want}, to)
	if err == nil && !confirmed {
		if err = l.deps.confirm(ctx, g, l.api().EndpointName(), t.Session); err == nil {
			exchange.SaveAs(string(plan.Login{Session: t.Session}.Token()), t.token())
		}
	}
	return t, exchange.Store(ctx), err
}

// authorize has a person sign in with a browser of this machine, or of another, and gives
// what that brings back to use, with the program that AWS knows us by.
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

// storeLogin puts a sign-in in the place of the one before.
func storeLogin(ctx context.Context, tokens *store.Tokens, t loginToken) error {
	_, warnings, err := tokens.Get(ctx, store.TokenRequest{
		Name: string(plan.Login{Session: t.Session}.Token()), Question: "the sign-in of " + t.Session,
		Usable: func(store.Token) bool { return false },
		Create: func(context.Context, store.Token, *store.Exchange) (store.Token, error) {
			return t.token(), nil
		},
	})
	if err != nil || len(warnings) == 0 {
		return err
	}
	return errors.Join(warnings...)
}

// Import moves the AWS CLI's sign-in of an identity to where ours are kept. It
// reports whether there was one. Where it began is what the AWS CLI says, or else the step.
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
	if err := storeLogin(ctx, d.Tokens, t); err != nil {
		return true, err
	}
	if err := checkImported(ctx, d.Tokens, d.Logins, t); err != nil {
		return true, err
	}
	return true, d.Logins.Remove(session)
}

// checkImported reads a sign-in back, and looks whether the AWS CLI still has the same one.
func checkImported(ctx context.Context, tokens *store.Tokens, cli *store.LoginCache, t loginToken) error {
	kept, _, err := tokens.Find(ctx, string(plan.Login{Session: t.Session}.Token()))
	if err != nil {
		return fmt.Errorf("reading the sign-in back: %w", err)
	}
	if stored, ok := decode[loginToken](kept); !ok || stored.Refresh != t.Refresh || stored.Key != t.Key || stored.Client != t.Client {
		return errors.New("the sign-in that was read back is not the one that was stored; the AWS CLI's own is left where it is")
	}
	if now, ok := cli.Login(t.Session); ok && now.RefreshToken != t.Refresh {
		return errors.New("the AWS CLI has renewed its sign-in meanwhile; import it again")
	}
	return nil
}
