package source

import (
	"errors"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/signin"
)

// What an OpenID provider is asked beforehand, or its keys are needed for, costs no refresh token.
func TestOpenIDExchangeKeepsTokenIfProviderFails(t *testing.T) {
	for _, fault := range []fakeaws.Fault{
		{Action: "OpenIDConfiguration", Status: 503}, {Action: "OpenIDConfiguration", Hangup: true}, {Action: "OpenIDConfiguration", Hang: true},
		{Action: "OpenIDKeys", Status: 503}, {Action: "OpenIDKeys", Hangup: true}, {Action: "OpenIDKeys", Hang: true}, {Action: "OpenIDKeys", TruncateXML: true},
		{Action: "OpenIDToken", Status: 503}, {Action: "OpenIDToken", Hangup: true}, {Action: "OpenIDToken", Hang: true},
	} {
		t.Run(fault.Action, func(t *testing.T) {
			eachExchange(t, renewalsOfOpenID, func(t *testing.T, r *exchangeFixture) {
				r.AWS.Timeout = 50 * time.Millisecond
				fault.Times = -1
				r.aws.Fail(fault)
				if err := r.exchange(t.Context()); err == nil {
					t.Error("went on")
				}
				r.aws.Heal()
				r.AWS.Timeout = 20 * time.Second
				r.wantSurvival()
			})
		})
	}
}

// SignIn keys of the provider's that cannot be fetched after the trade cost the ID token, and not the
// refresh token; nor do ID tokens that are refused.
func TestOpenIDExchangeKeepsTokenIfIDTokenRefused(t *testing.T) {
	eachExchange(t, ofOpenID, func(t *testing.T, r *exchangeFixture) {
		err := r.rotating(func() { r.aws.Fail(fakeaws.Fault{Action: "OpenIDKeys", Status: 503, Times: -1}) })
		if err == nil {
			t.Error("an ID token was accepted that no known key has signed")
		}
		r.aws.Heal()
		r.wantSurvival()
		if r.issuer.People(fakeaws.Login{Subject: "alice", Auto: true, Claims: map[string]any{"azp": "else"}}); r.Failed() {
			return
		}
		r.restart()
		r.aws.Advance(r.validity)
		var refused *signin.IDTokenError
		if err := r.reuse(t.Context()); !errors.As(err, &refused) {
			t.Errorf("got %v", err)
		}
		r.issuer.People(alice)
		r.wantSurvival()
	})
}

// A key of the provider's that is newer than those fetched is fetched after the trade.
func TestOpenIDNewKey(t *testing.T) {
	eachExchange(t, ofOpenID, func(t *testing.T, r *exchangeFixture) {
		if err := r.rotating(func() {}); err != nil {
			t.Error(err)
		}
		r.wantSurvival()
	})
}

// rotating makes the trade while the provider replaces its keys, does then what is to be done before the answer, and
// returns how the trade ended.
func (r *exchangeFixture) rotating(then func()) error {
	r.Helper()
	gate := make(chan struct{})
	r.aws.Fail(fakeaws.Fault{Action: r.action, Until: gate})
	ended := make(chan error)
	go func() { ended <- r.exchange(r.Context()) }()
	if err := r.aws.Await(r.Context(), r.action, 1); err != nil {
		r.Fatal(err)
	}
	if err := r.issuer.Rotate(); err != nil {
		r.Fatal(err)
	}
	then()
	close(gate)
	return <-ended
}
