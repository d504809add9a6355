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

// A ProofKey is the private key to which AWS binds the tokens of a sign-in. Without this key, the tokens are useless.
type ProofKey struct{ *ecdsa.PrivateKey }

// NewProofKey creates a key for one sign-in.
func NewProofKey() (ProofKey, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return ProofKey{k}, err
}

// pemType is the PEM type of the key. The AWS CLI uses the same type.
const pemType = "EC PRIVATE KEY"

// PEM returns the key in the format in which the AWS CLI stores its own key: SEC 1 in PEM.
func (k ProofKey) PEM() (string, error) {
	der, err := x509.MarshalECPrivateKey(k.PrivateKey)
	return string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})), err
}

// ErrProofKey reports that a stored proof key cannot be read.
var ErrProofKey = errors.New("the stored key of the sign-in cannot be read, expected a P-256 key in PEM")

// ParseProofKey reads a key in the format of [ProofKey.PEM]. It fails with [ErrProofKey].
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

// newProof returns a DPoP proof for one request. Each request needs a new proof.
// https://www.rfc-editor.org/rfc/rfc9449#section-4.2
func (k ProofKey) newProof(method, address string, at time.Time) (string, error) {
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
