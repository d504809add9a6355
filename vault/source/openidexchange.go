package source

import (
	"cmp"
	"context"
	"errors"

	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// An openIDExchange trades a code or a refresh token. Its fields are what is known before.
type openIDExchange struct {
	openID       OpenID
	provider     *signin.Provider
	exchange     *store.Exchange
	storesAtOnce func(openIDToken) bool // whether a token is stored when it comes, and not later
	old          openIDToken            // that is renewed; zero for a new sign-in
	want         signin.Expected
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
func (t openIDExchange) send(ctx context.Context, what string, call tokenCall) (openIDToken, error) {
	a, err := t.call(ctx, what, call)
	var unproven *signin.IDTokenError
	switch {
	case err != nil:
		return openIDToken{}, err
	case !errors.As(a.refused, &unproven) || !unproven.NoKey:
		return a.token, a.refused
	}
	if err := t.openID.fetchKeys(ctx, t.provider); err != nil {
		return openIDToken{}, err
	}
	return t.verified(a.tokens)
}

func (t openIDExchange) call(ctx context.Context, what string, call tokenCall) (a openIDAnswer, err error) {
	ctx, end, err := t.openID.deps.beginExchange(ctx, t.openID.to.Issuer)
	if err != nil {
		return a, err
	}
	defer end()
	limited, q := t.openID.startCall(ctx, what)
	if a.tokens, err = call(limited); err == nil {
		a.tokens.Refresh = cmp.Or(a.tokens.Refresh, t.old.Refresh)
		a.token, a.refused = t.verified(a.tokens)
		if good := a.refused == nil || a.tokens.Refresh != "" && t.keepsRefreshToken(a.refused); good && t.storesAtOnce(a.token) {
			t.exchange.Save(a.token.encode(t.openID.to))
		}
	}
	return a, q.done(limited, err)
}

func always(openIDToken) bool { return true }

// keepsRefreshToken reports whether a refresh token is kept though the ID token beside it was refused. That
// of a new sign-in is, if another try may go better: who it is of is not known yet.
func (t openIDExchange) keepsRefreshToken(refused error) bool {
	var e *signin.IDTokenError
	return t.old.Refresh != "" || errors.As(refused, &e) && (e.NoKey || e.Expired)
}

// verified is a token whose ID token proves who somebody is or, with the error, one without an ID
// token. It calls nothing.
func (t openIDExchange) verified(got signin.Tokens) (openIDToken, error) {
	want := t.want
	want.Audience = t.openID.to.Audience
	made := openIDToken{
		Refresh: got.Refresh, Subject: t.old.Subject, Claims: t.old.Claims, Nonce: cmp.Or(want.Nonce, want.RenewedNonce),
		Made: t.openID.deps.AWS.Clock.Local().UTC(),
	}
	id, err := t.provider.Verify(got.ID, want)
	if err != nil {
		return made, err
	}
	made.ID, made.Expires, made.Subject, made.Claims = got.ID, id.Expires, id.Subject, id.Claims
	return made, nil
}
