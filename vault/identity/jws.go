package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

// coordinate is the length of one coordinate of a point on P-256, in bytes.
const coordinate = 32

var (
	errNotP256   = errors.New("the key is not on P-256, expected a P-256 key for ES256")
	errSignature = errors.New("the signer returned an invalid ECDSA signature")
)

// sign returns the claims as a JSON Web Token with the key ID in its header. The algorithm is ES256. The function
// calls the signer once.
// https://www.rfc-editor.org/rfc/rfc7515#section-3.1
func sign(signer crypto.Signer, keyID string, claims map[string]any) (string, error) {
	public, err := p256(signer.Public())
	if err != nil {
		return "", err
	}
	key := jose.JSONWebKey{Key: cryptosigner.Opaque(checkedSigner{signer, public}), KeyID: keyID}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	token, err := s.Sign(payload)
	if err != nil {
		return "", err
	}
	return token.CompactSerialize()
}

// A checkedSigner verifies each signature of its signer. A security key may return an invalid signature, and go-jose
// panics on numbers that are too large for the curve.
type checkedSigner struct {
	crypto.Signer
	public *ecdsa.PublicKey
}

func (s checkedSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := s.Signer.Sign(random, digest, opts)
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(s.public, digest, signature) {
		return nil, errSignature
	}
	return signature, nil
}

func p256(public crypto.PublicKey) (*ecdsa.PublicKey, error) {
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errNotP256
	}
	return key, nil
}

// point returns both coordinates of a public key, 32 bytes each.
func point(public crypto.PublicKey) ([]byte, error) {
	key, err := p256(public)
	if err != nil {
		return nil, err
	}
	raw, err := key.Bytes() // the byte 4, then both coordinates
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotP256, err)
	}
	return raw[1:], nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
