package source

import (
	"cmp"
	"context"
	"errors"

	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// An openIDTrade trades a code or a refresh token. Its fields are what is known before.
type openIDTrade struct {
	at       OpenID
	provider *signin.Provider
	trade    *store.Exchange
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

// A tokenCall sends a code or a refresh token to the provider.
type tokenCall func(context.Context) (signin.Tokens, error)

// send makes the call and stores what comes. An ID token that is not accepted does not cost the
// refresh token: that is stored without it, so that another is fetched.
func (t openIDTrade) send(ctx context.Context, what string, call tokenCall) (openIDToken, error) {
	a, err := t.once(ctx, what, call)
	var unproven *signin.IDTokenError
	switch {
	case err != nil:
		return openIDToken{}, err
	case !errors.As(a.refused, &unproven) || !unproven.Key:
		return a.token, a.refused
	}
	if err := t.at.fetchKeys(ctx, t.provider); err != nil {
		return openIDToken{}, err
	}
	return t.verified(a.tokens)
}

func (t openIDTrade) once(ctx context.Context, what string, call tokenCall) (a openIDAnswer, err error) {
	ctx, end, err := t.at.deps.beginTrade(ctx, t.at.to.Issuer)
	if err != nil {
		return a, err
	}
	defer end()
	limited, q := t.at.ask(ctx, what)
	if a.tokens, err = call(limited); err == nil {
		a.tokens.Refresh = cmp.Or(a.tokens.Refresh, t.old.Refresh)
		a.token, a.refused = t.verified(a.tokens)
		if good := a.refused == nil || a.tokens.Refresh != "" && t.outlives(a.refused); good && t.stores(a.token) {
			t.trade.Save(a.token.encode(t.at.to))
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
func (t openIDTrade) verified(got signin.Tokens) (openIDToken, error) {
	want := t.want
	want.Audience = t.at.to.Audience
	made := openIDToken{
		Refresh: got.Refresh, Subject: t.old.Subject, Claims: t.old.Claims, Nonce: cmp.Or(want.Nonce, want.Earlier),
		Made: t.at.deps.AWS.Clock.Local().UTC(),
	}
	id, err := t.provider.Verify(got.ID, want)
	if err != nil {
		return made, err
	}
	made.ID, made.Expires, made.Subject, made.Claims = got.ID, id.Expires, id.Subject, id.Claims
	return made, nil
}
