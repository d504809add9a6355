package fakeaws

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// proof is a parsed DPoP proof. Its signature has been verified with the public key that the proof contains.
// https://www.rfc-editor.org/rfc/rfc9449#section-4.2
type proof struct {
	id, method, url string
	at              time.Time
	thumbprint      string
}

// parseProof parses a proof and checks its signature.
func parseProof(text string) (proof, error) {
	t, err := parseJWT(text)
	if err != nil {
		return proof{}, err
	}
	raw, _, _ := strings.Cut(text, ".")
	head, err := base64url.DecodeString(raw)
	if err != nil {
		return proof{}, err
	}
	var header struct {
		JWK map[string]string `json:"jwk"`
	}
	if err := json.Unmarshal(head, &header); err != nil {
		return proof{}, fmt.Errorf("header: %w", err)
	}
	if t.header.Type != "dpop+jwt" || t.header.Algorithm != "ES256" {
		return proof{}, fmt.Errorf("header is %s and %s, want dpop+jwt and ES256", t.header.Type, t.header.Algorithm)
	}
	key, err := proofJWK(header.JWK)
	if err != nil {
		return proof{}, err
	}
	if err := t.verify(key); err != nil {
		return proof{}, err
	}
	iat, _ := t.claims["iat"].(json.Number)
	at, err := iat.Int64()
	if err != nil {
		return proof{}, fmt.Errorf("iat: %w", err)
	}
	sum := sha256.Sum256([]byte(header.JWK["x"] + "." + header.JWK["y"]))
	return proof{
		id: fmt.Sprint(t.claims["jti"]), method: fmt.Sprint(t.claims["htm"]), url: fmt.Sprint(t.claims["htu"]),
		at: time.Unix(at, 0), thumbprint: base64url.EncodeToString(sum[:]),
	}, nil
}

// proofJWK parses the P-256 public key of a proof. Each coordinate must have 32 bytes, including leading zeros.
func proofJWK(jwk map[string]string) (*ecdsa.PublicKey, error) {
	if jwk["kty"] != "EC" || jwk["crv"] != "P-256" || jwk["d"] != "" {
		return nil, errors.New("jwk is no public key on P-256")
	}
	point := []byte{4}
	for _, name := range []string{"x", "y"} {
		b, err := base64url.Strict().DecodeString(jwk[name])
		if err != nil || len(b) != 32 {
			return nil, fmt.Errorf("jwk: %s has %d bytes, want 32", name, len(b))
		}
		point = append(point, b...)
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
}
