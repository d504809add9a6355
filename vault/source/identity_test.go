package source

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/identity"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// fakeIdentities provides one identity's key, in the keystore or on a card.
type fakeIdentities struct {
	key    identity.Key
	secret *ecdsa.PrivateKey
	err    error // error that Secret returns; nil for none
	signed int
}

func (s *fakeIdentities) SigningKey(string) (identity.Key, error) {
	if s.key.ID == "" {
		return identity.Key{}, identity.ErrNoSigningKey
	}
	return s.key, nil
}

func (s *fakeIdentities) Secret(context.Context, string) (*ecdsa.PrivateKey, error) {
	s.signed++
	return s.secret, s.err
}

const identityIssuer = "https://id.example.com/alice"

// identity returns a step for an identity and registers the identity's key with AWS. place is where the key is stored.
func (r *fixture) identity(place string) (plan.Step, *fakeIdentities) {
	r.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	r.must(err)
	key, err := identity.NewKey(secret.Public(), place, 0, r.aws.Now())
	r.must(err)
	k := &fakeIdentities{key: key, secret: secret}
	r.Deps.Identities = k
	r.Deps.Card = func(_ context.Context, slot string, public crypto.PublicKey, use func(crypto.Signer) error) error {
		if slot != key.Slot() || !secret.PublicKey.Equal(public) {
			r.Errorf("signing with slot %s, want the slot and public key of the plan", slot)
		}
		k.signed++
		return use(secret)
	}
	arn := r.aws.AddProvider(r.world.Account, identityIssuer, []string{identityIssuer}, map[string]crypto.PublicKey{key.ID: secret.Public()})
	r.aws.AddRole(webRole, fakeaws.Role{Trusts: []string{arn}, SessionNameIsSubject: true, RequireSourceIdentity: true, RequireTags: []string{"Team"}})
	return r.step(plan.KindIdentity, plan.IdentityRole{
		Name: "alice", Issuer: identityIssuer, Subject: "alice@example.com", Audience: identityIssuer, ARN: webRole,
		SessionName: "alice@example.com", SourceIdentity: "alice@example.com",
		Tags: []profile.Tag{{Key: "Team", Value: "blue"}}, TransitiveTags: []string{"Team"}, KeyID: key.ID, KeyLocation: place,
	}), k
}

// webIdentityCalls returns the calls that sent a token. Calls that only read AWS's time are left out.
func (r *fixture) webIdentityCalls() []fakeaws.Call {
	return slices.DeleteFunc(r.aws.Calls(), func(c fakeaws.Call) bool { return c.Action != "AssumeRoleWithWebIdentity" })
}

// If the identity's key has changed since the plan was made, the step fails with an IdentityChangedError.
func TestIdentityKeyChanged(t *testing.T) {
	r := newFixture(t)
	s, _ := r.identity(identity.Software)
	spec := s.Spec.(plan.IdentityRole)
	right := spec.KeyID
	spec.KeyID = "another"
	s.Spec = spec
	if e := failAs[*IdentityChangedError](r, s); e.Spec.(plan.IdentityRole).KeyID != right {
		t.Errorf("got %+v", e)
	}
	r.wantCalls(0)
}

func TestIdentityClaimsOnlyInToken(t *testing.T) {
	for _, place := range []string{identity.Software, identity.PIVPrefix + "9c"} {
		r := newFixture(t)
		s, k := r.identity(place)
		s.Duration = 20 * time.Minute
		r.create(s)
		calls := r.webIdentityCalls()
		if len(calls) != 1 {
			t.Fatalf("%s: %d exchanges", place, len(calls))
		}
		call := calls[0]
		token := r.addSecret(call.Params.Get("WebIdentityToken"))
		for name := range call.Params {
			if strings.HasPrefix(name, "Tags") || strings.HasPrefix(name, "Transitive") || name == "SourceIdentity" {
				t.Errorf("%s: the call contains the parameter %s, which is already in the token", place, name)
			}
		}
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		r.must(err)
		var claims struct {
			Begins int64    `json:"iat"`
			Ends   int64    `json:"exp"`
			Roles  []string `json:"https://aws.amazon.com/roles"`
		}
		r.must(json.Unmarshal(payload, &claims))
		if claims.Begins != r.aws.Now().Unix()-240 || claims.Ends != r.aws.Now().Unix()+300 || len(claims.Roles) != 1 || claims.Roles[0] != webRole {
			t.Errorf("%s: %s", place, payload)
		}
		if call.SourceIdentity != "alice@example.com" || k.signed != 1 {
			t.Errorf("%s: %+v, signed %d times", place, call, k.signed)
		}
	}
}

// If the local clock is wrong, a key on a card signs only once, because AWS's time is read first. A key in the keystore
// signs twice, because AWS's time is read only after AWS has refused the first token.
func TestIdentityUsesAWSClock(t *testing.T) {
	for _, off := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		for place, most := range map[string]int{identity.Software: 2, identity.PIVPrefix + "9c": 1} {
			r := newFixture(t)
			s, k := r.identity(place)
			r.AWS.Clock.Local = func() time.Time { return r.aws.Now().Add(off) }
			r.create(s)
			if k.signed != most {
				t.Errorf("%s, %s: signed %d times, want %d", place, off, k.signed, most)
			}
			if len(r.notes) != 1 || !strings.Contains(r.notes[0], "this computer's clock is 20m0s") {
				t.Errorf("%s, %s: notes %q", place, off, r.notes)
			}
		}
	}
}

// A small clock error needs neither a second signature nor a call for the time.
func TestIdentityWithSmallClockSkew(t *testing.T) {
	for _, off := range []time.Duration{-230 * time.Second, -time.Minute, time.Minute, 230 * time.Second} {
		r := newFixture(t)
		s, k := r.identity(identity.Software)
		r.AWS.Clock.Local = func() time.Time { return r.aws.Now().Add(off) }
		r.create(s)
		if k.signed != 1 {
			t.Errorf("%s: signed %d times", off, k.signed)
		}
		r.wantCalls(1)
		r.wantNotes()
	}
}

// A measured clock error is corrected exactly, even if it is small.
func TestIdentityUsesMeasuredClock(t *testing.T) {
	r := newFixture(t)
	s, _ := r.identity(identity.PIVPrefix + "9c")
	r.AWS.Clock.Local = func() time.Time { return r.aws.Now().Add(90 * time.Second) }
	r.create(s)
	if off := r.AWS.Clock.Offset(); off != -90*time.Second {
		t.Errorf("the measured offset is %s", off)
	}
	var claims struct {
		Ends int64 `json:"exp"`
	}
	token := r.addSecret(r.webIdentityCalls()[0].Params.Get("WebIdentityToken"))
	if !identity.ReadUnverified(token, &claims) || claims.Ends != r.aws.Now().Unix()+300 {
		t.Errorf("the token ends at %d, want %d", claims.Ends, r.aws.Now().Unix()+300)
	}
}

// If AWS refuses a token and the clock is right, the request is not retried.
func TestIdentityRefusedWithoutRetry(t *testing.T) {
	for _, place := range []string{identity.Software, identity.PIVPrefix + "9c"} {
		r := newFixture(t)
		s, k := r.identity(place)
		spec := s.Spec.(plan.IdentityRole)
		spec.Audience = "somebody"
		s.Spec = spec
		if place != identity.Software { // for a card, AWS's time is read before the signature
			r.AWS.Clock.Local = func() time.Time { return r.aws.Now().Add(time.Hour) }
		}
		var refused *awsapi.APIError
		if err := r.fail(s); !errors.As(err, &refused) || refused.Code != "InvalidIdentityToken" || k.signed != 1 {
			t.Errorf("%s: %v, signed %d times", place, err, k.signed)
		}
	}
}

func TestIdentityCannotSign(t *testing.T) {
	for name, tt := range map[string]struct {
		place string
		spoil func(*fixture, *plan.Step, *fakeIdentities)
		want  string
	}{
		"no key":     {identity.Software, func(_ *fixture, _ *plan.Step, k *fakeIdentities) { k.key = identity.Key{} }, "identity alice of profile p: no key of this identity signs yet"},
		"no secret":  {identity.Software, func(_ *fixture, _ *plan.Step, k *fakeIdentities) { k.err = errors.New("gone") }, "identity alice of profile p: gone"},
		"no card":    {identity.PIVPrefix + "9c", func(r *fixture, _ *plan.Step, _ *fakeIdentities) { r.Deps.Card = nil }, "identity alice of profile p: "},
		"bad public": {identity.PIVPrefix + "9c", func(_ *fixture, _ *plan.Step, k *fakeIdentities) { k.key.Public = []byte("x") }, "identity alice of profile p: "},
		"plain":      {identity.PIVPrefix + "9c", func(_ *fixture, s *plan.Step, _ *fakeIdentities) { s.Endpoint.URL = "http://sts.example.com" }, "expected https: plain HTTP would send credentials unencrypted"},
	} {
		r := newFixture(t)
		s, k := r.identity(tt.place)
		tt.spoil(r, &s, k)
		err := r.fail(s)
		r.wantText(err, tt.want)
		if n := len(r.webIdentityCalls()); n > 0 {
			t.Errorf("%s: %d tokens were sent", name, n)
		}
		if name == "plain" && k.signed > 0 {
			t.Errorf("%s: the card was used", name)
		}
	}
}
