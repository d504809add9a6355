package awsapi

import (
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The coordinates in a proof have full length, even if they start with zeros. A key stays the same when it is
// encoded and then parsed.
func TestProofKey(t *testing.T) {
	for range 600 {
		k, err := NewProofKey()
		if err != nil {
			t.Fatal(err)
		}
		proof, err := k.newProof(http.MethodPost, "https://example.com/v1/token", time.Unix(1893456000, 0))
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(proof, ".")
		head, err := base64.RawURLEncoding.DecodeString(parts[0])
		if err != nil {
			t.Fatal(err)
		}
		if n := len(regexp.MustCompile(`"[xy]":"[A-Za-z0-9_-]{43}"`).FindAll(head, -1)); n != 2 {
			t.Fatalf("header is %s, want coordinates of 43 characters", head)
		}
		if len(parts) != 3 || len(parts[2]) != 86 {
			t.Fatalf("signature is %q, want 86 characters", parts[2])
		}
		if !regexp.MustCompile(`^\{"alg":"ES256","jwk":\{("(kty|crv|x|y)":"[^"]+",?){4}\},"typ":"dpop\+jwt"\}$`).Match(head) {
			t.Fatalf("header is %s, want only alg, jwk and typ", head)
		}
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || !regexp.MustCompile(`^\{"htm":"POST","htu":"https://example.com/v1/token","iat":1893456000,"jti":"[A-Z2-7]{26}"\}$`).Match(claims) {
			t.Fatalf("claims are %s (error: %v), want htm, htu, iat and jti", claims, err)
		}

		text, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseProofKey(text); err != nil || !again.Equal(k.PrivateKey) {
			t.Fatalf("the parsed key differs from the encoded key (error: %v)", err)
		}
	}
	for _, text := range []string{"", "EXAMPLE", "-----BEGIN EC PRIVATE KEY-----\nRVhBTVBMRQ==\n-----END EC PRIVATE KEY-----\n"} {
		if _, err := ParseProofKey(text); !errors.Is(err, ErrProofKey) {
			t.Errorf("ParseProofKey(%q): got %v, want ErrProofKey", text, err)
		}
	}
}
