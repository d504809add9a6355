package source

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// KindLoginToken is a sign-in of aws login, as a list of tokens says.
const KindLoginToken = "login token"

// loginToken is what aws login gave: credentials, and what the next ones are had with.
type loginToken struct {
	Session string    `json:"login_session"` // the identity that signed in
	KeyID   string    `json:"access_key_id"`
	Secret  string    `json:"secret_access_key"`
	Token   string    `json:"session_token"`
	Expires time.Time `json:"expires"`
	Refresh string    `json:"refresh_token"` // good for one use
	Client  string    `json:"client_id"`
	Key     string    `json:"proof_key"` // that the refresh token is bound to
	Until   time.Time `json:"until"`     // the sign-in's end, as far as is known

	theirs bool   // it is another program's, and not to be kept
	wanted string // who is to sign in; empty for anybody
}

// signedInBy tells the sign-ins of one identity apart: each has a proof key of its own, which stays while it is
// renewed, here and by the AWS CLI.
func (t loginToken) signedInBy() string {
	if t.Key == "" {
		return plan.Fingerprint("aws-vault login 1", t.KeyID)
	}
	return plan.Fingerprint("aws-vault login 1", t.Key)
}

func (t loginToken) credentials() aws.Credentials {
	return aws.Credentials{
		AccessKeyID: t.KeyID, SecretAccessKey: t.Secret, SessionToken: t.Token,
		AccountID: accountOf(t.Session), CanExpire: true, Expires: t.Expires,
	}
}

// loginLasts is how long a sign-in can be renewed at most.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
const loginLasts = 12 * time.Hour

func (t loginToken) serves(now time.Time, need time.Duration) bool {
	return t.KeyID != "" && t.Expires.After(now.Add(need))
}

func (t loginToken) ends() time.Time {
	if t.theirs {
		return time.Time{}
	}
	return t.Until
}

// LoginRequiredError is returned where nobody is signed in with aws login, or not any more.
type LoginRequiredError struct {
	Session string // who should be
	Profile string
	Cached  bool // the AWS CLI holds a sign-in that it can renew
}

func (e *LoginRequiredError) Error() string {
	return fmt.Sprintf("profile %s: %s is not signed in, or not any more", e.Profile, e.Session)
}

// login gives the credentials of a sign-in, renewed where they are about to expire. Its
// refresh token is good for one use: the next is kept before anything else is done.
func (d *Deps) login(ctx context.Context, s plan.Step, spec plan.Login) (aws.Credentials, error) {
	kept, warnings, err := d.Tokens.Get(ctx, store.TokenAsk{
		Name: string(spec.Token()), Question: "the sign-in of " + spec.Session,
		Serves: func(k store.Token) bool {
			t, ok := decode[loginToken](k)
			return ok && t.serves(d.Clock.Local(), tokenNeed)
		},
		Make: func(ctx context.Context, k store.Token, trade *store.Trade) (store.Token, error) {
			old, _ := decode[loginToken](k)
			made, err := d.renewLogin(ctx, s, spec, old, trade)
			return made.token(), err
		},
	})
	d.warn(warnings)
	if err != nil {
		return aws.Credentials{}, err
	}
	t, _ := decode[loginToken](kept)
	if now := t.signedInBy(); now != spec.SignIn {
		spec.SignIn = now
		return aws.Credentials{}, &OtherCallerError{Of: "the sign-in of " + spec.Session, Now: spec}
	}
	return t.credentials(), nil
}

// token is the sign-in as it is kept.
func (t loginToken) token() store.Token {
	k := encode(KindLoginToken, t.Session, t.ends(), t)
	k.Who = t.signedInBy()
	return k
}

// LoginSignIn returns which sign-in of the identity is held, ours or else the AWS CLI's; empty for none. It asks nobody.
func (d *Deps) LoginSignIn(ctx context.Context, l plan.Login) (string, error) {
	by, err := d.Tokens.Who(ctx, string(l.Token()), func(k store.Token) string {
		t, _ := decode[loginToken](k)
		return t.signedInBy()
	})
	if err != nil || by != "" || d.Logins == nil {
		return by, err
	}
	if theirs, ok := d.Logins.Login(l.Session); ok {
		by = fromCache(l.Session, theirs).signedInBy()
	}
	return by, nil
}

func (d *Deps) renewLogin(ctx context.Context, s plan.Step, spec plan.Login, old loginToken, trade *store.Trade) (loginToken, error) {
	now := d.Clock.Local()
	if old.Refresh == "" {
		return d.theirLogin(s, spec)
	}
	made, err := d.refreshLogin(ctx, s, old, trade)
	switch {
	case err == nil:
		return made, nil
	case old.serves(now, tokenLeast):
		d.debug("the sign-in could not be renewed and is used as long as it lasts", "session", spec.Session)
		return old, nil
	case errors.Is(err, errGrant):
		return loginToken{}, &LoginRequiredError{Session: spec.Session, Profile: s.Profile}
	}
	return loginToken{}, err
}

// theirLogin is the AWS CLI's sign-in, used as it is: were it renewed here, the AWS CLI
// could not renew it any more.
func (d *Deps) theirLogin(s plan.Step, spec plan.Login) (loginToken, error) {
	required := &LoginRequiredError{Session: spec.Session, Profile: s.Profile}
	if d.Logins == nil {
		return loginToken{}, required
	}
	theirs, ok := d.Logins.Login(spec.Session)
	t := fromCache(spec.Session, theirs)
	t.theirs, required.Cached = true, ok && theirs.RefreshToken != ""
	if !ok || !t.serves(d.Clock.Local(), tokenLeast) || flaw(t.credentials()) != "" {
		return loginToken{}, required
	}
	return t, nil
}

func fromCache(session string, l store.CachedLogin) loginToken {
	given := l.AccessToken
	return loginToken{
		Session: session, Refresh: l.RefreshToken, Client: l.ClientID, Key: l.ProofKey,
		KeyID: given.AccessKeyID, Secret: given.SecretAccessKey, Token: given.SessionToken, Expires: given.ExpiresAt.UTC(),
	}
}

// refreshLogin trades the refresh token for credentials and for the next refresh token.
func (d *Deps) refreshLogin(ctx context.Context, s plan.Step, old loginToken, trade *store.Trade) (loginToken, error) {
	key, err := parseProofKey(old.Key)
	if err != nil {
		return loginToken{}, err
	}
	if err := trade.Ready(ctx); err != nil {
		return loginToken{}, fmt.Errorf("the sign-in of %s is not renewed: %w", old.Session, err)
	}
	return d.tradeLogin(ctx, s, key, map[string]string{"clientId": old.Client, "grantType": grantRefresh, "refreshToken": old.Refresh}, old, trade)
}

// The programs that AWS's sign-in knows.
const (
	clientSameDevice  = "arn:aws:signin:::devtools/same-device"
	clientCrossDevice = "arn:aws:signin:::devtools/cross-device"
)

// NewLogin has a person sign in as aws login has them, and keeps what that gives. It
// returns who they are. Where want is not empty, it is an [*IdentityError] if they are
// another.
func (d *Deps) NewLogin(ctx context.Context, s plan.Step, want string, remote bool) (string, error) {
	if err := d.checkEndpoint(s.Endpoint); err != nil {
		return "", err
	}
	var t loginToken
	var warnings []error
	trade := d.Tokens.Trade(string(plan.Login{Session: want}.Token()))
	if err := trade.Ready(ctx); err != nil {
		return "", fmt.Errorf("a sign-in is of no use: %w", err)
	}
	base := signInBase(s)
	err := d.patience(ctx, siteOf(base), func(ctx context.Context, v *visit) error {
		return d.loginGrant(ctx, v, base, remote, func(grant signin.Grant, client string) error {
			key, err := newProofKey()
			if err != nil {
				return err
			}
			ctx, lock, err := trade.Lock(ctx, "the sign-in of "+want)
			if err != nil {
				return err
			}
			defer lock.Close()
			confirmed := want != "" || grant.Proven // else it is not stored before
			to := trade
			if !confirmed {
				to = nil
			}
			t, err = d.tradeLogin(ctx, s, key, map[string]string{
				"clientId": client, "grantType": grantCode, "code": grant.Code, "codeVerifier": grant.Verifier, "redirectUri": grant.Redirect,
			}, loginToken{Client: client, Until: d.Clock.Local().Add(loginLasts).UTC(), wanted: want}, to)
			if err == nil && !confirmed {
				if err = d.confirm(ctx, grant, siteOf(base), t.Session); err == nil {
					trade.KeepAs(string(plan.Login{Session: t.Session}.Token()), t.token())
				}
			}
			warnings = trade.Store(ctx)
			return err
		})
	})
	if err != nil {
		return "", err
	}
	if !trade.Durable() {
		return "", errors.Join(warnings...)
	}
	d.warn(warnings)
	return t.Session, nil
}

// IdentityError is returned where someone else signed in.
type IdentityError struct{ Found, Want string }

func (e *IdentityError) Error() string {
	return fmt.Sprintf("%s has signed in, want %s", e.Found, e.Want)
}

// keepLogin puts a sign-in in the place of the one before.
func (d *Deps) keepLogin(ctx context.Context, t loginToken) error {
	_, warnings, err := d.Tokens.Get(ctx, store.TokenAsk{
		Name: string(plan.Login{Session: t.Session}.Token()), Question: "the sign-in of " + t.Session,
		Serves: func(store.Token) bool { return false },
		Make: func(context.Context, store.Token, *store.Trade) (store.Token, error) {
			return t.token(), nil
		},
	})
	if err != nil || len(warnings) == 0 {
		return err
	}
	return errors.Join(warnings...)
}

// ImportLogin moves the AWS CLI's sign-in of an identity to where ours are kept. It
// reports whether there was one.
func (d *Deps) ImportLogin(ctx context.Context, session string) (bool, error) {
	theirs, ok := d.Logins.Login(session)
	if !ok || theirs.RefreshToken == "" {
		return false, nil
	}
	t := fromCache(session, theirs)
	if _, err := parseProofKey(t.Key); err != nil {
		return true, err
	}
	t.Until = d.Clock.Local().Add(loginLasts).UTC()
	if err := d.keepLogin(ctx, t); err != nil {
		return true, err
	}
	if err := d.mayRemoveLogin(ctx, session, t); err != nil {
		return true, err
	}
	return true, d.Logins.Remove(session)
}

// mayRemoveLogin reads a sign-in back, and looks whether the AWS CLI still has the same one.
func (d *Deps) mayRemoveLogin(ctx context.Context, session string, t loginToken) error {
	kept, _, err := d.Tokens.Find(ctx, string(plan.Login{Session: session}.Token()))
	if err != nil {
		return fmt.Errorf("reading the sign-in back: %w", err)
	}
	if stored, ok := decode[loginToken](kept); !ok || stored.Refresh != t.Refresh || stored.Key != t.Key || stored.Client != t.Client {
		return errors.New("the sign-in that was read back is not the one that was stored; the AWS CLI's own is left where it is")
	}
	if now, ok := d.Logins.Login(session); ok && now.RefreshToken != t.Refresh {
		return errors.New("the AWS CLI has renewed its sign-in meanwhile; import it again")
	}
	return nil
}

// loginGrant has a person sign in with a browser of this machine, or of another, and gives
// what that brings back to use, with the program that AWS knows us by.
func (d *Deps) loginGrant(ctx context.Context, v *visit, base string, remote bool, use func(g signin.Grant, client string) error) error {
	if !remote {
		page := func(p signin.Proof, redirect string) string { return loginURL(base, clientSameDevice, p, redirect) }
		show := func(page string) error { return v.toPage(siteOf(base), page) }
		return signin.Code(ctx, d.Person.back(), page, show, func(g signin.Grant) error { return use(g, clientSameDevice) })
	}
	if d.Person.Paste == nil {
		return errNobody
	}
	show := func(page string) error { return d.Person.toAnyPage(siteOf(base), page) }
	redirect := base + "/v1/sessions/confirmation"
	page := func(p signin.Proof) string { return loginURL(base, clientCrossDevice, p, redirect) }
	g, err := signin.Paste(ctx, redirect, page, show, d.Person.Paste)
	if err != nil {
		return err
	}
	return use(g, clientCrossDevice)
}

// signedInAs is whom an id token names. It came from AWS itself, over TLS, so its
// signature would tell nothing more.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func signedInAs(token string) (string, error) {
	parts := strings.Split(token, ".")
	var claims struct {
		Subject string `json:"sub"`
	}
	if len(parts) == 3 {
		raw, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(raw, &claims) == nil && strings.HasPrefix(claims.Subject, "arn:") && printable(claims.Subject) == claims.Subject {
			return claims.Subject, nil
		}
	}
	return "", errors.New("the sign-in does not say who has signed in")
}
