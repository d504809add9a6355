package awsapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
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

// prove makes the proof for one call, which no other call may carry.
// https://www.rfc-editor.org/rfc/rfc9449#section-4.2
func (k ProofKey) prove(method, address string, at time.Time) (string, error) {
	options := jose.SignerOptions{EmbedJWK: true}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.PrivateKey}, options.WithType("dpop+jwt"))
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": at.Unix()})
	if err != nil {
		return "", err
	}
	proof, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return proof.CompactSerialize()
}
