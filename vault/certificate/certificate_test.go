package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newAuthority(t *testing.T) *Authority {
	t.Helper()
	key, _, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return must[*Authority](t)(NewAuthority("Example authority", key, now, 48*time.Hour))
}

func TestParseSubject(t *testing.T) {
	for text, want := range map[string]string{
		"CN=alice":                       "CN=alice",
		" cn = alice , O=Example\\, Inc": "CN=alice,O=Example\\, Inc",
		"O=A,OU=B,CN=é ü,L=x,ST=y,C=DE":  "CN=é ü,OU=B,O=A,L=x,ST=y,C=DE",
		"CN=a\\\\b,SERIALNUMBER=7":       "SERIALNUMBER=7,CN=a\\\\b",
		"":                               `error: subject: unknown attribute "", expected CN, OU, O, L, ST, C or SERIALNUMBER`,
		"O=Example":                      "error: subject: has no CN, expected one such as CN=alice,O=Example",
		"CN=a,CN=b":                      "error: subject: has two CN, expected one",
		"CN=":                            `error: subject: CN is "", expected 1 to 64 printable characters`,
		"CN=a\x07":                       `error: subject: CN is "a\a", expected 1 to 64 printable characters`,
		"CN=a,C=DEU":                     `error: subject: C is "DEU", expected 1 to 2 printable characters`,
		"CN=a,DC=x":                      `error: subject: unknown attribute "DC", expected CN, OU, O, L, ST, C or SERIALNUMBER`,
	} {
		name, err := ParseSubject(text)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
			var e *SubjectError
			if !errors.As(err, &e) {
				t.Errorf("%q: error is a %T, want a *SubjectError", text, err)
			}
		} else {
			got = subjectInRequest(t, name)
		}
		if got != want {
			t.Errorf("ParseSubject(%q): got %s, want %s", text, got, want)
		}
	}
}

// subjectInRequest creates a signing request with the given subject, and returns the subject that the request
// contains.
func subjectInRequest(t *testing.T, name pkix.Name) string {
	t.Helper()
	key, _, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	text := must[[]byte](t)(NewRequest(name, key))
	block, _ := pem.Decode(text)
	r := must[*x509.CertificateRequest](t)(x509.ParseCertificateRequest(block.Bytes))
	if err := r.CheckSignature(); err != nil {
		t.Error(err)
	}
	return r.Subject.String()
}

func TestAuthority(t *testing.T) {
	a := newAuthority(t)
	key, text, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	name := must[pkix.Name](t)(ParseSubject("CN=alice"))
	c := must[*x509.Certificate](t)(a.Issue(name, key.Public(), now, 100*time.Hour))
	if c.NotAfter.After(a.Certificate.NotAfter) || c.IsCA || c.KeyUsage != x509.KeyUsageDigitalSignature || c.SerialNumber.Sign() <= 0 {
		t.Errorf("wrong certificate: %+v", c)
	}
	chain := must[[]*x509.Certificate](t)(ParseChain(append(text, Encode(c, a.Certificate)...)))
	if len(chain) != 2 || !chain[0].Equal(c) || len(Intermediates(chain)) != 0 {
		t.Errorf("ParseChain returned %d certificates, want the issued one and its authority's", len(chain))
	}
	parsedKey := must[crypto.Signer](t)(ParseKey(append(Encode(c), text...)))
	if !Matches(c, parsedKey.Public()) || Matches(a.Certificate, parsedKey.Public()) {
		t.Error("Matches rejected the right certificate, or accepted the authority's")
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate)
	if _, err := c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	a.Key = parsedKey
	if _, err := a.Issue(name, key.Public(), now, time.Hour); err == nil {
		t.Error("Issue succeeded with a key that does not belong to the authority")
	}
}

func TestParseKey(t *testing.T) {
	rsaKey := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	ec := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	sec1 := must[[]byte](t)(x509.MarshalECPrivateKey(ec))
	pkcs8 := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(rsaKey))
	for name, text := range map[string][]byte{
		"PKCS #1": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}),
		"PKCS #8": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		"SEC 1 after parameters": append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6}}),
			pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})...),
	} {
		if _, err := ParseKey(text); err != nil {
			t.Errorf("%s: got %v, want the key", name, err)
		}
	}
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"encrypted PKCS #8":  {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: pkcs8}), ErrEncrypted},
		"encrypted PKCS #1":  {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "x"}, Bytes: pkcs8}), ErrEncrypted},
		"damaged":            {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8[1:]}), errNoKey},
		"only a certificate": {Encode(newAuthority(t).Certificate), errNoKey},
		"empty":              {nil, errNoKey},
	} {
		if _, err := ParseKey(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestParseChainErrors(t *testing.T) {
	c := newAuthority(t).Certificate
	many := Encode(c, c, c, c, c, c, c)
	for text, want := range map[string]string{
		"":           "no certificate found, expected PEM",
		string(many): "more than 6 certificates found, expected one and its intermediate certificates",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": "certificate 1 cannot be read: ",
	} {
		if _, err := ParseChain([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParseChain checks that a parsed chain is the same after it is encoded and parsed again. It also checks that
// ParseKey returns a key or an error of one line.
func FuzzParseChain(f *testing.F) {
	f.Add("x")
	key, text, err := NewKey()
	if err != nil {
		f.Fatal(err)
	}
	a, err := NewAuthority("a", key, now, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(append(text, Encode(a.Certificate, a.Certificate)...)))
	f.Fuzz(func(t *testing.T, text string) {
		if chain, err := ParseChain([]byte(text)); err == nil {
			again, err := ParseChain(Encode(chain...))
			if err != nil || len(again) != len(chain) || !again[0].Equal(chain[0]) {
				t.Errorf("%d certificates became %d after encoding and parsing (error: %v)", len(chain), len(again), err)
			}
		}
		if key, err := ParseKey([]byte(text)); err != nil && strings.Contains(err.Error(), "\n") || err == nil && key == nil {
			t.Errorf("ParseKey = %v, %q, want a key or a one-line error", key, err)
		}
	})
}

func FuzzParseSubject(f *testing.F) {
	f.Add("CN=a\\,b,O=c")
	f.Fuzz(func(t *testing.T, text string) {
		var e *SubjectError
		name, err := ParseSubject(text)
		if err != nil && !errors.As(err, &e) || err == nil && name.CommonName == "" {
			t.Errorf("ParseSubject(%q) = %v, %v", text, name, err)
		}
	})
}
