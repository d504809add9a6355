package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A countingSigner counts its signatures.
type countingSigner struct {
	crypto.Signer
	signed int
}

func (c *countingSigner) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	c.signed++
	return c.Signer.Sign(r, digest, o)
}

// TestTokenVerifiesWithPublishedKeys verifies a token with the published keys, as AWS does. It uses go-jose.
func TestTokenVerifiesWithPublishedKeys(t *testing.T) {
	key := &countingSigner{Signer: newKey(t)}
	token, err := Token(key, Claims{
		Issuer: "https://id.example.com/alice", Subject: "alice@example.com", Audience: "sts.amazonaws.com", SourceIdentity: "alice@example.com",
		Tags: []Tag{{"Team", "blue"}, {"Email", "alice@example.com"}}, Transitive: []string{"Email"}, Role: "arn:aws:iam::123456789012:role/a",
	}, noon)
	if err != nil || key.signed != 1 {
		t.Fatalf("got %d signatures and the error %v, want one signature", key.signed, err)
	}
	file, err := JWKS(newKey(t).Public(), key.Public())
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(file, &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := parsed.Claims(&set, &claims); err != nil {
		t.Fatal(err)
	}
	id := claims["jti"]
	delete(claims, "jti")
	want := map[string]any{
		"iss": "https://id.example.com/alice", "sub": "alice@example.com", "aud": "sts.amazonaws.com",
		"iat": float64(noon.Add(-4 * time.Minute).Unix()), "exp": float64(noon.Add(5 * time.Minute).Unix()),
		"https://aws.amazon.com/source_identity": "alice@example.com",
		"https://aws.amazon.com/roles":           []any{"arn:aws:iam::123456789012:role/a"},
		"https://aws.amazon.com/tags": map[string]any{
			"principal_tags":      map[string]any{"Team": []any{"blue"}, "Email": []any{"alice@example.com"}},
			"transitive_tag_keys": []any{"Email"},
		},
	}
	if !reflect.DeepEqual(claims, want) || id == "" {
		t.Errorf("claims are %v, want %v", claims, want)
	}
	if again, _ := Token(key, Claims{}, noon); strings.Contains(again, id.(string)) {
		t.Error("two tokens have the same jti")
	}
}

func TestTokenHasNoOtherClaims(t *testing.T) {
	token, err := Token(newKey(t), Claims{Issuer: "https://i.example.com", Subject: "s", Audience: "a"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
		t.Fatal(err)
	}
	if len(claims) != 6 {
		t.Errorf("claims are %v, want 6 claims", claims)
	}
	if exp, iat := claims["exp"].(float64), claims["iat"].(float64); exp-iat != (TokenBackdate + TokenLifetime).Seconds() {
		t.Errorf("the token is valid for %v seconds", exp-iat)
	}
}

// TestSignatureLength checks that every signature has full length. A signature consists of two numbers, and about
// one number in 256 starts with a zero byte. The header must contain only the members that AWS reads.
func TestSignatureLength(t *testing.T) {
	key := newKey(t)
	for range 600 {
		token, err := sign(key, "a", map[string]any{})
		if err != nil {
			t.Fatal(err)
		}
		if signature := token[strings.LastIndexByte(token, '.')+1:]; len(signature) != 86 {
			t.Fatalf("signature has %d characters, want 86", len(signature))
		}
		if head := encode([]byte(`{"alg":"ES256","kid":"a","typ":"JWT"}`)); !strings.HasPrefix(token, head+".") {
			t.Fatalf("token is %s, want the header %s", token, head)
		}
		if !verifies(&key.PublicKey, token) {
			t.Fatalf("the key does not verify the signature of %s", token)
		}
	}
}

// verifies reports whether the ES256 signature of token is valid. It does not use go-jose.
// https://www.rfc-editor.org/rfc/rfc7518#section-3.4
func verifies(public *ecdsa.PublicKey, token string) bool {
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil || len(signature) != 64 {
		return false
	}
	sum := sha256.Sum256([]byte(token[:dot]))
	return ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

// A fixedSigner returns a fixed signature or error.
type fixedSigner struct {
	crypto.Signer
	der []byte
	err error
}

func (s fixedSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return s.der, s.err }

func TestFailingSigner(t *testing.T) {
	removed := errors.New("the card was removed")
	if _, err := Token(fixedSigner{newKey(t), nil, removed}, Claims{Subject: "alice"}, noon); !errors.Is(err, removed) || !strings.Contains(err.Error(), "for alice") {
		t.Errorf("got %v, want the card's error and the subject", err)
	}
	for _, der := range []string{"", "x", "\x30\x00", "\x30\x06\x02\x01\x00\x02\x01\x01", "\x30\x06\x02\x01\x01\x02\x01\x01\x00", "\x30\x06\x02\x01\xff\x02\x01\x01",
		"\x30\x27\x02\x22\x01" + strings.Repeat("\x01", 33) + "\x02\x01\x01", "\x30\x06\x02\x01\x01\x02\x01\x01"} {
		if _, err := sign(fixedSigner{newKey(t), []byte(der), nil}, "a", nil); !errors.Is(err, errSignature) {
			t.Errorf("signature %x: got %v, want errSignature", der, err)
		}
	}
}

func TestUnsupportedKeys(t *testing.T) {
	p384Key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.Signer{p384Key, rsaKey} {
		_, tokenErr := Token(key, Claims{}, noon)
		_, filesErr := JWKS(key.Public())
		_, recordErr := NewKey(key.Public(), Software, 0, noon)
		for _, err := range []error{tokenErr, filesErr, recordErr} {
			if !errors.Is(err, errNotP256) {
				t.Errorf("got %v, want errNotP256", err)
			}
		}
	}
}

func TestKeyIDIsTheThumbprint(t *testing.T) {
	key := newKey(t)
	id, err := KeyID(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil || id != encode(sum) {
		t.Errorf("got %s, want %s (%v)", id, encode(sum), err)
	}
}

func TestDiscovery(t *testing.T) {
	var document map[string]any
	if err := json.Unmarshal(Discovery("https://id.example.com/alice"), &document); err != nil {
		t.Fatal(err)
	}
	if document["issuer"] != "https://id.example.com/alice" || document["jwks_uri"] != "https://id.example.com/alice/jwks.json" {
		t.Errorf("got %v, want the issuer and the URL of its keys", document)
	}
}

func TestCheckIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://id.example.com": "", "https://id.example.com/alice": "", "http://127.0.0.1:8000/alice": "",
		"https://id.example.com/": "slash", "https://id.example.com/alice/": "slash", "http://id.example.com": "https",
		"id.example.com": "valid URL", "https://": "valid URL", "https://u@id.example.com": "valid URL", "https://id.example.com?x": "query",
		"https://id.example.com/a//b": "rewrite", "https://id.example.com/a/../b": "rewrite", "https://id.example.com/" + strings.Repeat("a", 255): "longer",
		"ftp://id.example.com": "https", ":": "valid URL",
	} {
		err := CheckIssuer(issuer)
		var bad *IssuerError
		if (want == "") != (err == nil) || err != nil && (!errors.As(err, &bad) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", issuer, err, want)
		}
	}
}

func TestRotation(t *testing.T) {
	add := func(r Record, at time.Time) (Record, Key) {
		t.Helper()
		k, err := NewKey(newKey(t).Public(), PIVPrefix+"9c", 7, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if r, err = r.With(k, at); err != nil {
			t.Fatal(err)
		}
		return r, r.Keys[len(r.Keys)-1]
	}
	wantKeys := func(r Record, at time.Time, want Key, published ...Key) {
		t.Helper()
		k, err := r.SigningKey(at)
		if err != nil || k.ID != want.ID {
			t.Errorf("at %s, key %s signs, want %s (error: %v)", at, k.ID, want.ID, err)
		}
		if got := r.PublishedKeys(at); !reflect.DeepEqual(got, published) {
			t.Errorf("at %s, %d keys are published, want %d", at, len(got), len(published))
		}
	}
	r, a := add(Record{}, noon)
	wantKeys(r, noon, a, a)
	r, b := add(r, noon.Add(time.Hour))
	at := noon.Add(time.Hour + PublishBefore)
	wantKeys(r, at.Add(-time.Second), a, a, b)
	wantKeys(r, at, b, a, b)
	wantKeys(r, at.Add(publishAfter), b, b)
	var rotationErr *RotationError
	if _, err := r.With(b, at.Add(-time.Minute)); !errors.As(err, &rotationErr) {
		t.Errorf("With, before the next key signs: got %v, want a RotationError", err)
	}
	if _, err := r.With(b, at); !errors.As(err, &rotationErr) {
		t.Errorf("With, for a key in the record: got %v, want a RotationError", err)
	}
	if next, ok := r.NextKey(noon); !ok || next.ID != a.ID && next.ID != b.ID {
		t.Errorf("NextKey = %+v, %v, want one of the two keys", next, ok)
	}
	if _, ok := r.NextKey(at); ok {
		t.Error("NextKey returned a key although the last key already signs")
	}
	r, c := add(r, at.Add(48*time.Hour))
	if wantKeys(r, at.Add(48*time.Hour), b, b, c); len(r.Keys) != 2 {
		t.Errorf("the record has %d keys, want 2", len(r.Keys))
	}
	if _, err := (Record{Keys: []Key{c}}).SigningKey(noon); !errors.Is(err, ErrNoSigningKey) {
		t.Errorf("before the first key signs: got %v, want ErrNoSigningKey", err)
	}
	file, err := r.JWKS(at.Add(48 * time.Hour))
	if err != nil || !bytes.Contains(file, []byte(b.ID)) || !bytes.Contains(file, []byte(c.ID)) || bytes.Contains(file, []byte(a.ID)) {
		t.Errorf("published keys are %s (error: %v)", file, err)
	}
	if a.Slot() != "9c" || (Key{Location: Software}).Slot() != "" {
		t.Errorf("Slot of a PIV key = %q, want 9c, and of a software key %q, want an empty string", a.Slot(), (Key{Location: Software}).Slot())
	}
}

func TestInvalidRecords(t *testing.T) {
	good, err := NewKey(newKey(t).Public(), Software, 0, noon)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*Key)) Record {
		k := good
		f(&k)
		return Record{Keys: []Key{k}}
	}
	for name, r := range map[string]Record{
		"no keys": {}, "same key twice": {Keys: []Key{good, good}}, "too many keys": {Keys: make([]Key, maxKeys+1)},
		"wrong ID": change(func(k *Key) { k.ID = "x" }), "no location": change(func(k *Key) { k.Location = "" }),
		"invalid slot": change(func(k *Key) { k.Location = "piv:xx" }), "invalid public key": change(func(k *Key) { k.Public = []byte("x") }),
	} {
		text, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRecord(text); err == nil {
			t.Errorf("%s: ParseRecord succeeded, want an error", name)
		}
	}
	if _, err := ParseRecord([]byte("junk")); err == nil {
		t.Error("junk: ParseRecord succeeded, want an error")
	}
}

func FuzzParseRecord(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	k, err := NewKey(key.Public(), PIVPrefix+"9c", 7, noon)
	if err != nil {
		f.Fatal(err)
	}
	text, err := Record{Keys: []Key{k}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRecord(text)
		if err != nil {
			return
		}
		again, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if same, err := ParseRecord(again); err != nil || !reflect.DeepEqual(same, r) {
			t.Errorf("%s is another record after encoding and parsing: %+v (error: %v)", text, same, err)
		}
		if _, err := r.JWKS(noon); err != nil {
			t.Error(err)
		}
	})
}
