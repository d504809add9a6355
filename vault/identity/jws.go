package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// coordinate is how long the numbers of a signature and of a key on P-256 are, in bytes.
const coordinate = 32

var (
	errNotP256   = errors.New("the key is not on P-256, want one that signs ES256")
	errSignature = errors.New("the signature is not one of ECDSA on P-256")
)

// ES256 signs the header and the claims as a JSON web signature in compact form. The header
// gets its alg. Only this algorithm is spoken here, so that no library's choice of them is
// carried along.
// https://www.rfc-editor.org/rfc/rfc7515#section-3.1
// https://www.rfc-editor.org/rfc/rfc7518#section-3.4
func ES256(signer crypto.Signer, header map[string]any, claims any) (string, error) {
	if _, err := point(signer.Public()); err != nil {
		return "", err
	}
	header["alg"] = "ES256"
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encode(head) + "." + encode(body)
	sum := sha256.Sum256([]byte(signed))
	der, err := signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	signature, err := plain(der)
	if err != nil {
		return "", err
	}
	return signed + "." + encode(signature), nil
}

// plain turns a signature in ASN.1 into its two numbers, each in full length.
func plain(der []byte) ([]byte, error) {
	var s struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &s)
	if err != nil || len(rest) > 0 || !fits(s.R) || !fits(s.S) {
		return nil, errSignature
	}
	return append(s.R.FillBytes(make([]byte, coordinate)), s.S.FillBytes(make([]byte, coordinate))...), nil
}

func fits(n *big.Int) bool { return n.Sign() > 0 && n.BitLen() <= 8*coordinate }

// point returns the two coordinates of a public key, each in full length.
func point(public crypto.PublicKey) ([]byte, error) {
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errNotP256
	}
	raw, err := key.Bytes() // 4, and both coordinates
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotP256, err)
	}
	return raw[1:], nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
