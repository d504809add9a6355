package awsapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"time"

	"aws-vault/vault/identity"
)

// A ProofKey is a key that tokens are bound to: they are of no use to who does not hold it.
type ProofKey struct{ *ecdsa.PrivateKey }

// NewProofKey makes a key for one sign-in.
func NewProofKey() (ProofKey, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return ProofKey{k}, err
}

// pemType is how the AWS CLI heads its key's text, too.
const pemType = "EC PRIVATE KEY"

// Text is the key in the form that the AWS CLI keeps its own in: SEC 1, in PEM.
func (k ProofKey) Text() (string, error) {
	der, err := x509.MarshalECPrivateKey(k.PrivateKey)
	return string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})), err
}

// ErrProofKey is returned for what is no key.
var ErrProofKey = errors.New("the key that the sign-in is bound to cannot be read, want an EC key on P-256 in PEM")

// ParseProofKey reads a key, or returns [ErrProofKey].
func ParseProofKey(text string) (ProofKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != pemType {
		return ProofKey{}, ErrProofKey
	}
	k, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil || k.Curve != elliptic.P256() {
		return ProofKey{}, ErrProofKey
	}
	return ProofKey{k}, nil
}

// Where the parts of a key and of a signature on P-256 are, in bytes.
const coordinate = 32

// prove makes the proof for one call, which no other call may carry.
// https://www.rfc-editor.org/rfc/rfc9449#section-4.2
func (k ProofKey) prove(method, address string, at time.Time) (string, error) {
	point, err := k.PublicKey.Bytes() // 4, and both coordinates in full length
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return identity.ES256(k.PrivateKey, map[string]any{
		"typ": "dpop+jwt",
		"jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": encode(point[1 : 1+coordinate]), "y": encode(point[1+coordinate:])},
	}, map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": at.Unix()})
}
