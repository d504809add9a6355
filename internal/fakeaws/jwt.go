package fakeaws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // makes crypto.SHA256 available
	_ "crypto/sha512" // makes crypto.SHA384 and crypto.SHA512 available
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// hashes maps the last three characters of a signature algorithm's name, such as RS256, to the algorithm's hash
// function. AWS accepts RS and ES algorithms with these hash functions.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// jwtHeader is the header of a token.
type jwtHeader struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid,omitempty"`
	Type      string `json:"typ,omitempty"`
}

// jwt is a parsed token. Its signature is not verified yet.
type jwt struct {
	header    jwtHeader
	claims    map[string]any // the claims by name; numbers have the type json.Number
	signed    string
	signature []byte
}

var base64url = base64.RawURLEncoding

// parseJWT parses a token in compact form.
// https://www.rfc-editor.org/rfc/rfc7519
func parseJWT(text string) (jwt, error) {
	if strings.ContainsAny(text, "\r\n") {
		return jwt{}, errors.New("token: contains a line break") // checked here, because encoding/base64 ignores line breaks
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return jwt{}, fmt.Errorf("token: %d parts, want 3", len(parts))
	}
	t := jwt{signed: parts[0] + "." + parts[1]}
	header, err := base64url.Strict().DecodeString(parts[0])
	if err != nil {
		return jwt{}, fmt.Errorf("token header: %w", err)
	}
	if err := json.Unmarshal(header, &t.header); err != nil {
		return jwt{}, fmt.Errorf("token header: %w", err)
	}
	payload, err := base64url.Strict().DecodeString(parts[1])
	if err != nil {
		return jwt{}, fmt.Errorf("token claims: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(&t.claims); err != nil {
		return jwt{}, fmt.Errorf("token claims: %w", err)
	}
	if t.signature, err = base64url.Strict().DecodeString(parts[2]); err != nil {
		return jwt{}, fmt.Errorf("token signature: %w", err)
	}
	return t, nil
}

// verify verifies the token's signature. The kind of the key must match the token's algorithm.
// https://www.rfc-editor.org/rfc/rfc7518#section-3
func (t jwt) verify(key crypto.PublicKey) error {
	if len(t.header.Algorithm) != 5 {
		return fmt.Errorf("token: algorithm %q, want RS or ES with 256, 384 or 512", t.header.Algorithm)
	}
	hash, ok := hashes[t.header.Algorithm[2:]]
	if !ok {
		return fmt.Errorf("token: algorithm %q, want RS or ES with 256, 384 or 512", t.header.Algorithm)
	}
	h := hash.New()
	h.Write([]byte(t.signed))
	switch k := key.(type) {
	case *rsa.PublicKey:
		if t.header.Algorithm[:2] == "RS" && rsa.VerifyPKCS1v15(k, hash, h.Sum(nil), t.signature) == nil {
			return nil
		}
	case *ecdsa.PublicKey:
		size := (k.Curve.Params().BitSize + 7) / 8
		if t.header.Algorithm[:2] == "ES" && len(t.signature) == 2*size {
			r, s := new(big.Int).SetBytes(t.signature[:size]), new(big.Int).SetBytes(t.signature[size:])
			if ecdsa.Verify(k, h.Sum(nil), r, s) {
				return nil
			}
		}
	}
	return errors.New("token: the signature does not match the key")
}

// signJWT returns a token that is signed with RS256 if key is an RSA key, and with an ECDSA signature of the SHA-256
// hash if key is an ECDSA key. The header must name the same algorithm.
func signJWT(header jwtHeader, claims map[string]any, key crypto.Signer) (string, error) {
	head, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("token header: %w", err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("token claims: %w", err)
	}
	signed := base64url.EncodeToString(head) + "." + base64url.EncodeToString(body)
	h := crypto.SHA256.New()
	h.Write([]byte(signed))
	var signature []byte
	if ec, ok := key.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, ec, h.Sum(nil))
		if err != nil {
			return "", fmt.Errorf("token: %w", err)
		}
		size := (ec.Curve.Params().BitSize + 7) / 8
		signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	} else if signature, err = key.Sign(rand.Reader, h.Sum(nil), crypto.SHA256); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return signed + "." + base64url.EncodeToString(signature), nil
}
