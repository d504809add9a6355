package source

import (
	"errors"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/signin"
)

// The refresh token is not lost if a call to the provider fails before the exchange.
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
					t.Error("the exchange succeeds, want an error")
				}
				r.aws.Heal()
				r.AWS.Timeout = 20 * time.Second
				r.wantSurvival()
			})
		})
	}
}

// If the provider's new keys cannot be fetched after the exchange, the ID token is lost but the refresh token is
// kept. The refresh token is also kept if the ID token is not valid.
func TestOpenIDExchangeKeepsTokenIfIDTokenRefused(t *testing.T) {
	eachExchange(t, ofOpenID, func(t *testing.T, r *exchangeFixture) {
		err := r.rotating(func() { r.aws.Fail(fakeaws.Fault{Action: "OpenIDKeys", Status: 503, Times: -1}) })
		if err == nil {
			t.Error("an ID token with an unknown key was accepted")
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

// If the ID token is signed with a key that is newer than the fetched keys, the new key is fetched after the exchange.
func TestOpenIDNewKey(t *testing.T) {
	eachExchange(t, ofOpenID, func(t *testing.T, r *exchangeFixture) {
		if err := r.rotating(func() {}); err != nil {
			t.Error(err)
		}
		r.wantSurvival()
	})
}

// rotating runs the exchange while the provider replaces its keys. The function in the parameter then is called
// after the replacement, but before the provider responds. rotating returns the error of the exchange.
func (r *exchangeFixture) rotating(then func()) error {
	r.Helper()
	release := make(chan struct{})
	r.aws.Fail(fakeaws.Fault{Action: r.action, Until: release})
	ended := make(chan error)
	go func() { ended <- r.exchange(r.Context()) }()
	if err := r.aws.Await(r.Context(), r.action, 1); err != nil {
		r.Fatal(err)
	}
	if err := r.issuer.Rotate(); err != nil {
		r.Fatal(err)
	}
	then()
	close(release)
	return <-ended
}
