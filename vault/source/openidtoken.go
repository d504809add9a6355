package source

import (
	"cmp"
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
	idTokenLeast = time.Minute         // a token is renewed when it has less left
	refreshLasts = 90 * 24 * time.Hour // a refresh token that nobody has used for so long is forgotten
	sessionLasts = 12 * time.Hour      // how long a role's session may outlive the token, which says whose it is
)

func (t openIDToken) identity() plan.Identity {
	return plan.Identity{Subject: t.Subject, Claims: t.Claims}
}

func (t openIDToken) valid(now time.Time) bool {
	return t.ID != "" && t.Expires.After(now.Add(idTokenLeast))
}

// ends is when the token is of no more use: while a session that was made with it lives, it
// says whose that is.
func (t openIDToken) ends() time.Time {
	if t.Refresh != "" {
		return t.Made.Add(refreshLasts)
	}
	if end := t.Made.Add(sessionLasts); end.After(t.Expires) {
		return end
	}
	return t.Expires
}

// An OpenIDSignIn is what is known of a sign-in to an OpenID provider.
type OpenIDSignIn struct {
	plan.Identity
	Expires   time.Time // the ID token
	Renewable bool      // another can be had without a person
}

// Held returns the sign-in that is held, and whether there is one. It asks nobody.
func (o OpenID) Held(ctx context.Context) (OpenIDSignIn, bool, error) {
	kept, warnings, err := o.deps.Tokens.Find(ctx, string(o.to.Token()))
	o.deps.warn(warnings)
	t, ok := decode[openIDToken](kept)
	return OpenIDSignIn{t.identity(), t.Expires, t.Refresh != ""}, err == nil && ok && t.Subject != "", err
}

// Hint returns whom the list of sign-ins says is signed in; empty for nobody. It opens
// nothing, so that it may be wrong.
func (o OpenID) Hint() string { return o.deps.Tokens.Index.Entries()[string(o.to.Token())].Who }

// Asks reports whether an ID token takes a person.
func (o OpenID) Asks(ctx context.Context) bool {
	held, ok, err := o.Held(ctx)
	return err != nil || !ok || !held.Renewable && !held.Expires.After(o.deps.AWS.Clock.Local().Add(idTokenLeast))
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
		return t.ID != "" && t.ID != refused && (t.valid(now) || d.fresh.is(t, now) && t.Expires.After(now)) // a short one would be made twice
	}
	kept, warnings, err := d.Tokens.Get(ctx, store.TokenAsk{
		Name: string(o.to.Token()), Question: "the sign-in to " + o.to.Issuer,
		Serves: func(k store.Token) bool {
			t, ok := decode[openIDToken](k)
			return ok && serves(t)
		},
		Make: func(ctx context.Context, k store.Token, trade *store.Trade) (store.Token, error) {
			old, _ := decode[openIDToken](k)
			t, err := o.newToken(ctx, old, trade)
			d.fresh.set(t.ID)
			return t.encode(o.to), err
		},
	})
	d.warn(warnings)
	t, _ := decode[openIDToken](kept)
	return t, err
}

// encode is the token as it is kept.
func (t openIDToken) encode(to plan.OIDC) store.Token {
	k := encode(KindOIDCToken, to.Label(), t.ends(), t)
	k.Who = t.Subject
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

// is reports whether a token is the one that came to this process just now, so that another one would
// be no better.
func (l *lastToken) is(t openIDToken, now time.Time) bool {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.id == t.ID && now.Sub(t.Made) < idTokenLeast
}

// newToken makes a token in place of an old one, silently if that can be.
func (o OpenID) newToken(ctx context.Context, old openIDToken, trade *store.Trade) (openIDToken, error) {
	if old.Refresh != "" {
		made, err := o.refresh(ctx, old, trade)
		switch {
		case err == nil && made.ID != "":
			return made, nil
		case err == nil:
			o.deps.debug("the refresh brought no ID token", "issuer", o.to.Issuer)
		case !errors.Is(err, signin.ErrGrant):
			return openIDToken{}, err // a person could do no better
		}
	}
	return o.signIn(ctx, old.Subject, trade)
}

// refresh trades a refresh token. Where none comes back, the old one goes on; where
// no ID token comes back, or what comes could not be stored, it is the zero token.
func (o OpenID) refresh(ctx context.Context, old openIDToken, trade *store.Trade) (openIDToken, error) {
	p, err := o.known(ctx)
	if err != nil {
		return openIDToken{}, err
	}
	if renews, err := o.deps.canRenew(ctx, o.to.Issuer, trade); err != nil || !renews {
		return openIDToken{}, err
	}
	t := openIDTrade{provider: p, stores: stored, trade: trade, old: old, want: signin.Want{Subject: old.Subject, Earlier: old.Nonce}}
	made, err := o.trade(ctx, t, "refresh", func(ctx context.Context) (signin.Tokens, error) { return p.Refresh(ctx, old.Refresh) })
	var refused *signin.IDTokenError
	if errors.As(err, &refused) && refused.Missing {
		return openIDToken{}, nil
	}
	return made, err
}

// known returns the provider with its keys.
func (o OpenID) known(ctx context.Context) (*signin.Provider, error) {
	p, err := o.provider(ctx)
	if err == nil {
		err = o.fetchKeys(ctx, p)
	}
	return p, err
}

// An openIDTrade is what is known before a code or a refresh token is traded.
type openIDTrade struct {
	provider *signin.Provider
	trade    *store.Trade
	stores   func(openIDToken) bool // whether a token is stored when it comes, and not later
	old      openIDToken            // that is renewed; zero for a new sign-in
	want     signin.Want
}

// An openIDAnswer is what came of a trade.
type openIDAnswer struct {
	tokens  signin.Tokens
	token   openIDToken // as far as it can be believed
	refused error       // why its ID token is not
}

// trade trades a code or a refresh token and stores what comes. An ID token that is not
// accepted does not cost the refresh token: that is stored without it, so that another is fetched.
func (o OpenID) trade(ctx context.Context, t openIDTrade, what string, send func(context.Context) (signin.Tokens, error)) (openIDToken, error) {
	a, err := o.tradeOnce(ctx, t, what, send)
	var unproven *signin.IDTokenError
	switch {
	case err != nil:
		return openIDToken{}, err
	case !errors.As(a.refused, &unproven) || !unproven.Key:
		return a.token, a.refused
	}
	if err := o.fetchKeys(ctx, t.provider); err != nil {
		return openIDToken{}, err
	}
	return o.verified(t, a.tokens)
}

func (o OpenID) tradeOnce(ctx context.Context, t openIDTrade, what string, send func(context.Context) (signin.Tokens, error)) (a openIDAnswer, err error) {
	ctx, end, err := o.deps.beginTrade(ctx, o.to.Issuer)
	if err != nil {
		return a, err
	}
	defer end()
	limited, q := o.ask(ctx, what)
	if a.tokens, err = send(limited); err == nil {
		a.tokens.Refresh = cmp.Or(a.tokens.Refresh, t.old.Refresh)
		a.token, a.refused = o.verified(t, a.tokens)
		if good := a.refused == nil || a.tokens.Refresh != "" && t.outlives(a.refused); good && t.stores(a.token) {
			t.trade.Keep(a.token.encode(o.to))
		}
	}
	return a, q.done(limited, err)
}

func stored(openIDToken) bool { return true }

// outlives reports whether a refresh token is kept though the ID token beside it was refused. That
// of a new sign-in is, if another try may go better: who it is of is not known yet.
func (t openIDTrade) outlives(refused error) bool {
	var e *signin.IDTokenError
	return t.old.Refresh != "" || errors.As(refused, &e) && (e.Key || e.Clock)
}

// verified is a token whose ID token proves who somebody is or, with the error, one without an ID
// token. It calls nothing.
func (o OpenID) verified(t openIDTrade, got signin.Tokens) (openIDToken, error) {
	want := t.want
	want.Audience = o.to.Audience
	made := openIDToken{
		Refresh: got.Refresh, Subject: t.old.Subject, Claims: t.old.Claims, Nonce: cmp.Or(want.Nonce, want.Earlier),
		Made: o.deps.AWS.Clock.Local().UTC(),
	}
	id, err := t.provider.Verify(got.ID, want)
	if err != nil {
		return made, err
	}
	made.ID, made.Expires, made.Subject, made.Claims = got.ID, id.Expires, id.Subject, id.Claims
	return made, nil
}

// Logout ends the sign-in that is held, here and, where the provider has a way to,
// there. It reports whether there was one; an error is of the provider, and the token is
// gone from here all the same, unless the keystore says otherwise.
func (o OpenID) Logout(ctx context.Context) (bool, error) {
	d, name := o.deps, string(o.to.Token())
	kept, _, err := d.Tokens.Find(ctx, name)
	if err != nil {
		return false, err
	}
	t, held := decode[openIDToken](kept)
	if !held {
		return false, nil
	}
	if t.Refresh != "" {
		err = o.revoke(ctx, t.Refresh)
	}
	_, warnings, removing := d.Tokens.Remove(ctx, func(e store.Entry) bool { return e.Name == name })
	d.warn(warnings)
	if removing != nil {
		return true, removing
	}
	return true, err
}

func (o OpenID) revoke(ctx context.Context, refresh string) error {
	p, err := o.provider(ctx)
	if err != nil {
		return err
	}
	limited, q := o.ask(ctx, "revoke")
	return q.done(limited, p.Revoke(limited, refresh))
}
