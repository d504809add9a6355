package source

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/certificate"
	"aws-vault/vault/plan"
)

const anywhereRole = "arn:aws:iam::123456789012:role/anywhere"

// An anywhereFixture issues certificates that the fake AWS trusts.
type anywhereFixture struct {
	*fixture
	authority       *certificate.Authority
	anchor, profile string
}

func newAnywhereFixture(t *testing.T) *anywhereFixture {
	t.Helper()
	r := newFixture(t)
	key, _, err := certificate.NewKey()
	r.must(err)
	authority, err := certificate.NewAuthority("Example authority", key, r.aws.Now(), 24*time.Hour)
	r.must(err)
	anchor, err := r.aws.AddTrustAnchor(r.world.Account, "eu-west-1", string(certificate.Encode(authority.Certificate)))
	r.must(err)
	r.aws.AddRole(anywhereRole, fakeaws.Role{Trusts: []string{"rolesanywhere.amazonaws.com"}, MaxSession: 12 * time.Hour})
	profile := r.aws.AddAnywhereProfile(r.world.Account, "eu-west-1", fakeaws.AnywhereProfile{Roles: []string{anywhereRole}, MaxSession: 12 * time.Hour, AcceptsSessionName: true})
	return &anywhereFixture{r, authority, anchor, profile}
}

func (r *fixture) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (o *anywhereFixture) write(name string, text []byte) string {
	o.Helper()
	path := filepath.Join(o.TempDir(), name)
	o.must(os.WriteFile(path, text, 0o600))
	return path
}

// holder returns a step that signs with key and has a new certificate for key.
func (o *anywhereFixture) holder(key crypto.Signer) (plan.Step, plan.RolesAnywhere) {
	o.Helper()
	subject, err := certificate.ParseSubject("CN=alice,O=Example")
	o.must(err)
	c, err := o.authority.Issue(subject, key.Public(), o.aws.Now(), time.Hour)
	o.must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	o.must(err)
	spec := plan.RolesAnywhere{
		TrustAnchor: o.anchor, Profile: o.profile, Role: anywhereRole,
		Certificate: o.write("chain.pem", certificate.Encode(c, o.authority.Certificate)),
		PrivateKey:  o.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	return o.step(plan.KindRolesAnywhere, spec), spec
}

func (o *anywhereFixture) with(change func(*plan.RolesAnywhere)) plan.Step {
	o.Helper()
	s, spec := o.holder(newKey(o.T))
	change(&spec)
	s.Spec = spec
	return s
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, _, err := certificate.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestRolesAnywhere(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"P-256": newKey(t), "P-384": p384, "RSA": rsaKey} {
		t.Run(name, func(t *testing.T) {
			o := newAnywhereFixture(t)
			s, _ := o.holder(key)
			s.Duration = 2 * time.Hour
			c := o.create(s)
			if want := o.aws.Now().Add(2 * time.Hour).Truncate(time.Second); !c.Expires.Equal(want) || c.AccountID != "123456789012" {
				t.Errorf("got credentials of %s until %s, want until %s", c.AccountID, c.Expires, want)
			}
			call := o.wantCalls(1)[0]
			if call.Header.Get("X-Amz-X509-Chain") != "" {
				t.Error("the authority's own certificate was sent")
			}
		})
	}
}

// Intermediate certificates are sent together with the user's certificate.
func TestRolesAnywhereByAnIntermediate(t *testing.T) {
	o := newAnywhereFixture(t)
	between := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: o.authority.Certificate.SerialNumber, Subject: o.authority.Certificate.Subject, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: o.aws.Now().Add(-time.Hour), NotAfter: o.aws.Now().Add(time.Hour),
	}, o.authority.Certificate, between.Public(), o.authority.Key)
	o.must(err)
	c, err := x509.ParseCertificate(der)
	o.must(err)
	o.authority = &certificate.Authority{Certificate: c, Key: between}
	s, _ := o.holder(newKey(t))
	o.create(s)
	if o.wantCalls(1)[0].Header.Get("X-Amz-X509-Chain") == "" {
		t.Error("no chain was sent")
	}
}

func TestRolesAnywhereSendsItsName(t *testing.T) {
	o := newAnywhereFixture(t)
	o.create(o.with(func(r *plan.RolesAnywhere) { r.SessionName = "alice" }))
	if who := o.wantCalls(1)[0].Caller; !strings.HasSuffix(who, "assumed-role/anywhere/alice") {
		t.Errorf("signed in as %s", who)
	}
}

// Invalid settings are refused before AWS is called.
func TestRolesAnywhereChecksFirst(t *testing.T) {
	o := newAnywhereFixture(t)
	encrypted := o.write("secret.pem", []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	s, spec := o.holder(newKey(t))
	_, other := o.holder(newKey(t))
	for name, c := range map[string]struct {
		change func(*plan.RolesAnywhere)
		after  time.Duration
		want   string
	}{
		"expired":        {func(*plan.RolesAnywhere) {}, 2 * time.Hour, spec.Certificate + ": the certificate expired at 2030-01-02T13:00:10Z"},
		"too early":      {func(*plan.RolesAnywhere) {}, -time.Hour, spec.Certificate + ": the certificate is valid from 2030-01-02T11:55:10Z, but the time is 2030-01-02T11:00:10Z"},
		"another key":    {func(r *plan.RolesAnywhere) { r.PrivateKey = other.PrivateKey }, 0, spec.Certificate + ": the first certificate does not match the key " + other.PrivateKey},
		"encrypted":      {func(r *plan.RolesAnywhere) { r.PrivateKey = encrypted }, 0, encrypted + ": " + certificate.ErrEncrypted.Error()},
		"no key":         {func(r *plan.RolesAnywhere) { r.PrivateKey = r.Certificate }, 0, spec.Certificate + ": no usable private key found, expected an RSA or ECDSA key in PEM"},
		"no certificate": {func(r *plan.RolesAnywhere) { r.Certificate = r.PrivateKey }, 0, spec.PrivateKey + ": no certificate found, expected PEM"},
		"no file":        {func(r *plan.RolesAnywhere) { r.Certificate = "/gone" }, 0, "certificate: open /gone: no such file or directory"},
		"no key file":    {func(r *plan.RolesAnywhere) { r.PrivateKey = "/gone" }, 0, "private_key: open /gone: no such file or directory"},
		"no card":        {func(r *plan.RolesAnywhere) { r.PrivateKey = "piv:9c" }, 0, "private_key of profile p: this build does not support security keys"},
	} {
		changed := spec
		c.change(&changed)
		s.Spec = changed
		o.aws.Advance(c.after)
		_, err := o.execute(s)
		o.aws.Advance(-c.after)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
	for _, c := range o.aws.Calls() {
		if c.Action == "CreateSession" {
			t.Error("AWS was called")
		}
	}
}

// A certificate that was replaced after planning is not used.
func TestRolesAnywhereCertificateChanged(t *testing.T) {
	o := newAnywhereFixture(t)
	s, spec := o.holder(newKey(t))
	text, err := os.ReadFile(spec.Certificate)
	o.must(err)
	var other *IdentityChangedError
	if _, err := o.Create(t.Context(), s, o.key()); !errors.As(err, &other) || other.Spec.(plan.RolesAnywhere).Fingerprint != plan.Fingerprint(string(text)) {
		t.Errorf("got %v", err)
	}
	o.wantCalls(0)
}

func TestRolesAnywhereRefused(t *testing.T) {
	o := newAnywhereFixture(t)
	s := o.with(func(r *plan.RolesAnywhere) { r.Role = "arn:aws:iam::123456789012:role/other" })
	_, err := o.execute(s)
	var refused *awsapi.APIError
	if !errors.As(err, &refused) || refused.Code != "AccessDeniedException" || refused.Status != http.StatusForbidden || refused.Retry {
		t.Errorf("got %#v", err)
	}
	if want := "CreateSession of arn:aws:iam::123456789012:role/other: AWS returned AccessDeniedException: Role is not in the profile's list of roles."; err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// If AWS is busy, the same signed request is sent again. A refusal is not retried.
func TestRolesAnywhereRetries(t *testing.T) {
	o := newAnywhereFixture(t)
	o.aws.Fail(fakeaws.Fault{Action: "CreateSession", Times: 2, Status: 503, Code: "ServiceUnavailable"})
	s, _ := o.holder(newKey(t))
	o.create(s)
	calls := o.wantCalls(3)
	if calls[0].Header.Get("Authorization") != calls[2].Header.Get("Authorization") {
		t.Error("the retry has a new signature")
	}
}

func TestRolesAnywhereCertificateTime(t *testing.T) {
	for _, ahead := range []time.Duration{20 * time.Minute, -20 * time.Minute} {
		o := newAnywhereFixture(t)
		s, _ := o.holder(newKey(t))
		right := o.aws.Now
		o.AWS.Clock.Local = func() time.Time { return right().Add(ahead) }
		if ahead < 0 { // wait until the certificate is valid by the slow local clock
			o.aws.Advance(16 * time.Minute)
		}
		o.create(s)
		if n := len(o.wantCalls(2)); n != 2 || o.AWS.Clock.Skew() != -ahead || len(o.notes) != 1 {
			t.Errorf("%d calls, skew %s, notes %q", n, o.AWS.Clock.Skew(), o.notes)
		}
	}
}

// A signature by a card may need a touch. So AWS's time is measured before the first signature, and only once.
func TestRolesAnywhereWithCard(t *testing.T) {
	o := newAnywhereFixture(t)
	key := newKey(t)
	s, spec := o.holder(key)
	spec.PrivateKey = "piv:9c"
	s.Spec = spec
	var touches []string
	o.Card = func(_ context.Context, slot string, public crypto.PublicKey, use func(crypto.Signer) error) error {
		if !key.Public().(*ecdsa.PublicKey).Equal(public) {
			t.Error("the card was used with another public key")
		}
		return use(countingSigner{key, func() { touches = append(touches, slot) }})
	}
	right := o.aws.Now
	o.AWS.Clock.Local = func() time.Time { return right().Add(20 * time.Minute) }
	o.create(s)
	o.create(s)
	if len(touches) != 2 || touches[0] != "9c" {
		t.Errorf("touches for %q, want one per session", touches)
	}
	methods := ""
	for _, c := range o.aws.Calls() {
		methods += c.Action + " "
	}
	if strings.Count(methods, "CreateSession") != 2 || len(o.aws.Calls()) != 3 {
		t.Errorf("calls %q, want one for the time and two sessions", methods)
	}
}

// A card signs only a digest whose length matches the curve of the card's key.
func TestRolesAnywhereWithCardP384(t *testing.T) {
	o := newAnywhereFixture(t)
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	o.must(err)
	s, spec := o.holder(key)
	spec.PrivateKey = "piv:9c"
	s.Spec = spec
	o.Card = func(_ context.Context, _ string, _ crypto.PublicKey, use func(crypto.Signer) error) error {
		return use(fixedHashSigner{key, 48})
	}
	o.create(s)
}

// fixedHashSigner is a key that accepts only digests of one length.
type fixedHashSigner struct {
	crypto.Signer
	size int
}

func (s fixedHashSigner) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if len(digest) != s.size {
		return nil, fmt.Errorf("a digest of %d bytes, want %d", len(digest), s.size)
	}
	return s.Signer.Sign(r, digest, o)
}

type countingSigner struct {
	crypto.Signer
	touch func()
}

func (s countingSigner) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	s.touch()
	return s.Signer.Sign(r, digest, o)
}

func TestPrivateKeyReadableByOthers(t *testing.T) {
	o := newAnywhereFixture(t)
	s, spec := o.holder(newKey(t))
	o.must(os.Chmod(spec.PrivateKey, 0o644))
	o.create(s)
	o.create(s)
	if want := "other users have access to the private key " + spec.PrivateKey + " (mode 0644)"; len(o.notes) != 1 || o.notes[0] != want {
		t.Errorf("notes %q, want %q once", o.notes, want)
	}
}
