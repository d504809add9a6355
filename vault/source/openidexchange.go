package source

import (
	"cmp"
	"context"
	"errors"

	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// An openIDExchange exchanges a code or a refresh token for tokens.
type openIDExchange struct {
	openID       OpenID
	provider     *signin.Provider
	exchange     *store.Exchange
	storesAtOnce func(openIDToken) bool // reports whether to store a token as soon as it arrives
	old          openIDToken            // token that is renewed; zero for a new sign-in
	want         signin.Expected
}

// An openIDAnswer is the result of an exchange.
type openIDAnswer struct {
	tokens  signin.Tokens
	token   openIDToken // sign-in to store; without the ID token if that is not valid
	refused error       // why the ID token is not valid; nil if it is valid
}

// A tokenCall sends a code or a refresh token to the provider.
type tokenCall func(context.Context) (signin.Tokens, error)

// send calls the function in the argument call, which sends a code or a refresh token to the provider. send stores
// the response if the function storesAtOnce returns true. If the ID token is not valid, send stores only the
// refresh token, and only if keepsRefreshToken also returns true.
func (t openIDExchange) send(ctx context.Context, what string, call tokenCall) (openIDToken, error) {
	a, err := t.call(ctx, what, call)
	if err != nil {
		return openIDToken{}, err
	}
	return t.verify(ctx, a)
}

// verify returns the sign-in in a response. If the ID token is signed with an unknown key, verify fetches the
// provider's keys and verifies the ID token again.
func (t openIDExchange) verify(ctx context.Context, a openIDAnswer) (openIDToken, error) {
	var unproven *signin.IDTokenError
	if !errors.As(a.refused, &unproven) || !unproven.NoKey {
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

// keepsRefreshToken reports whether to store a refresh token that arrived with an invalid ID token. The refresh token
// of a renewal is always stored. The refresh token of a new sign-in is stored if the signing key was unknown or the ID
// token has expired, because the next ID token may be valid. It is not stored if the ID token is invalid for another
// reason.
func (t openIDExchange) keepsRefreshToken(refused error) bool {
	var e *signin.IDTokenError
	return t.old.Refresh != "" || errors.As(refused, &e) && (e.NoKey || e.Expired)
}

// verified verifies the ID token in a response, and returns the sign-in to store. If the ID token is not valid,
// verified returns the sign-in without the ID token, and an error. It makes no network call.
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
