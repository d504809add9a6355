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

// KindOIDCToken is the kind of an OIDC sign-in in the list of tokens.
const KindOIDCToken = "OIDC token"

// openIDToken is a stored OIDC sign-in. Access tokens are not stored, because AWS does not use them.
type openIDToken struct {
	ID      string            `json:"id_token"` // ID token, which was verified when it arrived
	Refresh string            `json:"refresh_token,omitempty"`
	Expires time.Time         `json:"expires"` // when the ID token expires
	Subject string            `json:"subject"`
	Claims  map[string]string `json:"claims,omitempty"`
	Nonce   string            `json:"nonce,omitempty"` // nonce of the original sign-in
	Made    time.Time         `json:"made"`
}

const (
	minIDTokenValidity = time.Minute         // an ID token that is valid for less than this is renewed
	refreshLifetime    = 90 * 24 * time.Hour // an unused refresh token is removed after this time
	maxSessionLifetime = 12 * time.Hour      // maximum duration of a role session; see expiry
)

func (t openIDToken) identity() plan.Identity {
	return plan.Identity{Subject: t.Subject, Claims: t.Claims}
}

func (t openIDToken) valid(now time.Time) bool {
	return t.ID != "" && t.Expires.After(now.Add(minIDTokenValidity))
}

// expiry returns the time at which the stored token can be removed. A token that cannot be renewed is stored for
// at least maxSessionLifetime, because the token shows who owns the sessions that were created with it.
func (t openIDToken) expiry() time.Time {
	if t.Refresh != "" {
		return t.Made.Add(refreshLifetime)
	}
	if end := t.Made.Add(maxSessionLifetime); end.After(t.Expires) {
		return end
	}
	return t.Expires
}

// An OpenIDSignIn describes a sign-in to an OIDC provider.
type OpenIDSignIn struct {
	plan.Identity
	Expires   time.Time // when the ID token expires
	Renewable bool      // whether the ID token can be renewed without a prompt
}

// Stored returns the stored sign-in and whether there is one. It never prompts.
func (o OpenID) Stored(ctx context.Context) (OpenIDSignIn, bool, error) {
	stored, warnings, err := o.deps.Tokens.Find(ctx, string(o.to.TokenDigest()))
	o.deps.warn(warnings)
	t, ok := decode[openIDToken](stored)
	return OpenIDSignIn{t.identity(), t.Expires, t.Refresh != ""}, err == nil && ok && t.Subject != "", err
}

// IndexedSubject returns the subject that is signed in according to the index of tokens. It is empty if there is none.
// IndexedSubject does not open the token, so the subject may be out of date.
func (o OpenID) IndexedSubject() string {
	return o.deps.Tokens.Index.Entries()[string(o.to.TokenDigest())].SignedInAs
}

// Prompts reports whether getting an ID token would prompt the user.
func (o OpenID) Prompts(ctx context.Context) bool {
	current, ok, err := o.Stored(ctx)
	return err != nil || !ok || !current.Renewable && !current.Expires.After(o.deps.AWS.Clock.Local().Add(minIDTokenValidity))
}

// SignIn returns who is signed in. It signs the user in if necessary.
func (o OpenID) SignIn(ctx context.Context) (OpenIDSignIn, error) {
	t, err := o.token(ctx, "")
	return OpenIDSignIn{t.identity(), t.Expires, t.Refresh != ""}, err
}

// token returns a valid ID token: the stored token, a renewed token, or the token of a new sign-in. The parameter
// refused is an ID token that AWS did not accept. The stored token is not returned if it is this ID token.
func (o OpenID) token(ctx context.Context, refused string) (openIDToken, error) {
	d := o.deps
	serves := func(t openIDToken) bool {
		now := d.AWS.Clock.Local()
		return t.ID != "" && t.ID != refused && (t.valid(now) || d.lastOpenID.matches(t, now) && t.Expires.After(now)) // a token that this process just received is used even if its lifetime is short
	}
	stored, warnings, err := d.Tokens.Get(ctx, store.TokenRequest{
		Name: string(o.to.TokenDigest()), Question: "the sign-in to " + o.to.Issuer,
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
	t, _ := decode[openIDToken](stored)
	return t, err
}

// encode returns the token in the form in which it is stored.
func (t openIDToken) encode(to plan.OIDC) store.Token {
	k := encode(KindOIDCToken, to.Label(), t.expiry(), t)
	k.SignedInAs = t.Subject
	return k
}

// A lastToken remembers the last ID token that this process received.
type lastToken struct {
	lock sync.Mutex
	id   string
}

func (l *lastToken) set(id string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.id = id
}

// matches reports whether t is the last ID token that this process received, and was received less than a minute
// ago. A token that is so new is not renewed.
func (l *lastToken) matches(t openIDToken, now time.Time) bool {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.id == t.ID && now.Sub(t.Made) < minIDTokenValidity
}

// newToken replaces an old token. It signs the user in only if the token cannot be renewed.
func (o OpenID) newToken(ctx context.Context, old openIDToken, exchange *store.Exchange) (openIDToken, error) {
	if old.Refresh != "" {
		made, err := o.refresh(ctx, old, exchange)
		switch {
		case err == nil && made.ID != "":
			return made, nil
		case err == nil:
			o.deps.debug("the refresh response has no ID token", "issuer", o.to.Issuer)
		case !errors.Is(err, signin.ErrGrantRejected):
			return openIDToken{}, err // a new sign-in would fail as well
		}
	}
	return o.signIn(ctx, old.Subject, exchange)
}

// refresh exchanges a refresh token. If the response has no new refresh token, refresh keeps the old one. It
// returns the zero token if the response has no ID token, or if the keystore cannot be written.
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

// providerWithKeys returns the provider after fetching its public keys.
func (o OpenID) providerWithKeys(ctx context.Context) (*signin.Provider, error) {
	p, err := o.discover(ctx)
	if err == nil {
		err = o.fetchKeys(ctx, p)
	}
	return p, err
}

// Logout revokes the stored sign-in at the provider, if the provider supports that, and removes it from the keystore.
// The sign-in is removed even if the provider returns an error. Logout reports whether there was a sign-in.
func (o OpenID) Logout(ctx context.Context) (bool, error) {
	return logout(ctx, o.deps, string(o.to.TokenDigest()), func(t openIDToken) error {
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
