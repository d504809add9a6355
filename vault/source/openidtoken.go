package source

import (
	"context"
	"errors"
	"sync"
	"time"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// KindOIDCToken is a sign-in to an OpenID provider, as a list of tokens says.
const KindOIDCToken = "OIDC token"

// openIDToken is what a sign-in to an OpenID provider gave. Access tokens are not kept: AWS
// takes none.
type openIDToken struct {
	ID      string            `json:"id_token"` // verified when it came
	Refresh string            `json:"refresh_token,omitempty"`
	Expires time.Time         `json:"expires"` // the ID token
	Subject string            `json:"subject"`
	Claims  map[string]string `json:"claims,omitempty"`
	Nonce   string            `json:"nonce,omitempty"` // of the sign-in by which it all began
	Made    time.Time         `json:"made"`
}

const (
	minIDTokenValidity = time.Minute         // a token is renewed when it has less left
	refreshLifetime    = 90 * 24 * time.Hour // a refresh token that nobody has used for so long is forgotten
	maxSessionLifetime = 12 * time.Hour      // how long a role's session may outlive the token, which says whose it is
)

func (t openIDToken) identity() plan.Identity {
	return plan.Identity{Subject: t.Subject, Claims: t.Claims}
}

func (t openIDToken) valid(now time.Time) bool {
	return t.ID != "" && t.Expires.After(now.Add(minIDTokenValidity))
}

// expiry is when the token is of no more use: while a session that was made with it lives, it
// says whose that is.
func (t openIDToken) expiry() time.Time {
	if t.Refresh != "" {
		return t.Made.Add(refreshLifetime)
	}
	if end := t.Made.Add(maxSessionLifetime); end.After(t.Expires) {
		return end
	}
	return t.Expires
}

// An OpenIDSignIn is what is known of a sign-in to an OpenID provider.
type OpenIDSignIn struct {
	plan.Identity
	Expires   time.Time // the ID token
	Renewable bool      // retryReason can be had without a person
}

// Stored returns the sign-in that is held, and whether there is one. It asks nobody.
func (o OpenID) Stored(ctx context.Context) (OpenIDSignIn, bool, error) {
	kept, warnings, err := o.deps.Tokens.Find(ctx, string(o.to.Token()))
	o.deps.warn(warnings)
	t, ok := decode[openIDToken](kept)
	return OpenIDSignIn{t.identity(), t.Expires, t.Refresh != ""}, err == nil && ok && t.Subject != "", err
}

// IndexedSubject returns whom the list of sign-ins says is signed in; empty for nobody. It opens
// nothing, so that it may be wrong.
func (o OpenID) IndexedSubject() string {
	return o.deps.Tokens.Index.Entries()[string(o.to.Token())].SignedInAs
}

// Prompts reports whether an ID token takes a person.
func (o OpenID) Prompts(ctx context.Context) bool {
	held, ok, err := o.Stored(ctx)
	return err != nil || !ok || !held.Renewable && !held.Expires.After(o.deps.AWS.Clock.Local().Add(minIDTokenValidity))
}

// SignIn returns who is signed in, after a person has signed in if it takes one.
func (o OpenID) SignIn(ctx context.Context) (OpenIDSignIn, error) {
	t, err := o.token(ctx, "")
	return OpenIDSignIn{t.identity(), t.Expires, t.Refresh != ""}, err
}

// token returns an ID token that serves, and is not the one that was refused: the one
// kept, a renewed one, or that of a person who signs in.
func (o OpenID) token(ctx context.Context, refused string) (openIDToken, error) {
	d := o.deps
	serves := func(t openIDToken) bool {
		now := d.AWS.Clock.Local()
		return t.ID != "" && t.ID != refused && (t.valid(now) || d.lastOpenID.matches(t, now) && t.Expires.After(now)) // a short one would be made twice
	}
	kept, warnings, err := d.Tokens.Get(ctx, store.TokenRequest{
		Name: string(o.to.Token()), Question: "the sign-in to " + o.to.Issuer,
		Usable: func(k store.Token) bool {
			t, ok := decode[openIDToken](k)
			return ok && serves(t)
		},
		Create: func(ctx context.Context, k store.Token, exchange *store.Exchange) (store.Token, error) {
			old, _ := decode[openIDToken](k)
			t, err := o.newToken(ctx, old, exchange)
			d.lastOpenID.set(t.ID)
			return t.encode(o.to), err
		},
	})
	d.warn(warnings)
	t, _ := decode[openIDToken](kept)
	return t, err
}

// encode is the token as it is kept.
func (t openIDToken) encode(to plan.OIDC) store.Token {
	k := encode(KindOIDCToken, to.Label(), t.expiry(), t)
	k.SignedInAs = t.Subject
	return k
}

// A lastToken is the ID token that came to this process last.
type lastToken struct {
	lock sync.Mutex
	id   string
}

func (l *lastToken) set(id string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.id = id
}

// matches reports whether a token is the one that came to this process just now, so that another one would
// be no better.
func (l *lastToken) matches(t openIDToken, now time.Time) bool {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.id == t.ID && now.Sub(t.Made) < minIDTokenValidity
}

// newToken makes a token in place of an old one, silently if that can be.
func (o OpenID) newToken(ctx context.Context, old openIDToken, exchange *store.Exchange) (openIDToken, error) {
	if old.Refresh != "" {
		made, err := o.refresh(ctx, old, exchange)
		switch {
		case err == nil && made.ID != "":
			return made, nil
		case err == nil:
			o.deps.debug("the refresh brought no ID token", "issuer", o.to.Issuer)
		case !errors.Is(err, signin.ErrGrantRejected):
			return openIDToken{}, err // a person could do no better
		}
	}
	return o.signIn(ctx, old.Subject, exchange)
}

// refresh trades a refresh token. Where none comes back, the old one goes on; where
// no ID token comes back, or what comes could not be stored, it is the zero token.
func (o OpenID) refresh(ctx context.Context, old openIDToken, exchange *store.Exchange) (openIDToken, error) {
	p, err := o.providerWithKeys(ctx)
	if err != nil {
		return openIDToken{}, err
	}
	if renews, err := o.deps.canRenew(ctx, o.to.Issuer, exchange); err != nil || !renews {
		return openIDToken{}, err
	}
	want := signin.Expected{Subject: old.Subject, RenewedNonce: old.Nonce}
	t := openIDExchange{openID: o, provider: p, storesAtOnce: always, exchange: exchange, old: old, want: want}
	made, err := t.send(ctx, "refresh", func(ctx context.Context) (signin.Tokens, error) {
		return p.Refresh(ctx, old.Refresh)
	})
	var refused *signin.IDTokenError
	if errors.As(err, &refused) && refused.Missing {
		return openIDToken{}, nil
	}
	return made, err
}

// providerWithKeys returns the provider with its keys.
func (o OpenID) providerWithKeys(ctx context.Context) (*signin.Provider, error) {
	p, err := o.discover(ctx)
	if err == nil {
		err = o.fetchKeys(ctx, p)
	}
	return p, err
}

// Logout ends the sign-in that is held, here and, where the provider has a way to,
// there. It reports whether there was one; an error is of the provider, and the token is
// gone from here all the same, unless the keystore says otherwise.
func (o OpenID) Logout(ctx context.Context) (bool, error) {
	return logout(ctx, o.deps, string(o.to.Token()), func(t openIDToken) error {
		if t.Refresh == "" {
			return nil
		}
		return o.revoke(ctx, t.Refresh)
	})
}

func (o OpenID) revoke(ctx context.Context, refresh string) error {
	p, err := o.discover(ctx)
	if err != nil {
		return err
	}
	limited, q := o.startCall(ctx, "revoke")
	return q.done(limited, p.Revoke(limited, refresh))
}
