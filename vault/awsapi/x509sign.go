package awsapi

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/certificate"
)

// An x509Signer signs requests with the private key of chain[0].
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
type x509Signer struct {
	key   crypto.Signer
	chain []*x509.Certificate
}

// KeyTypeError reports that a certificate's key has a type that AWS does not accept.
type KeyTypeError struct{ Found string }

func (e *KeyTypeError) Error() string {
	return fmt.Sprintf("the certificate's key has the type %s, expected RSA or ECDSA", e.Found)
}

func (s x509Signer) algorithm() (string, error) {
	switch s.key.Public().(type) {
	case *rsa.PublicKey:
		return "AWS4-X509-RSA-SHA256", nil
	case *ecdsa.PublicKey:
		return "AWS4-X509-ECDSA-SHA256", nil
	}
	return "", &KeyTypeError{fmt.Sprintf("%T", s.key.Public())}
}

// amzTimeFormat is the time format in signatures.
const amzTimeFormat = "20060102T150405Z"

// request returns a signed POST request.
func (s x509Signer) request(at address, body []byte, now time.Time) (request, error) {
	algorithm, err := s.algorithm()
	if err != nil {
		return request{}, err
	}
	u, err := url.Parse(at.url)
	if err != nil {
		return request{}, fmt.Errorf("%s is not a valid URL", baseOf(at.url))
	}
	stamp := now.UTC().Format(amzTimeFormat)
	header := map[string]string{
		"Content-Type": "application/json", "X-Amz-Date": stamp,
		"X-Amz-X509": base64.StdEncoding.EncodeToString(s.chain[0].Raw),
	}
	if between := certificate.Intermediates(s.chain); len(between) > 0 {
		header["X-Amz-X509-Chain"] = encodeChain(between)
	}
	scope := strings.Join([]string{stamp[:8], at.region, at.service, "aws4_request"}, "/")
	canonical, names := canonicalPost(u, header, body)
	digest := sha256.Sum256([]byte(strings.Join([]string{algorithm, stamp, scope, hexSum(canonical)}, "\n")))
	signature, err := s.key.Sign(rand.Reader, s.padded(digest[:]), crypto.SHA256)
	if err != nil {
		return request{}, err
	}
	header["Authorization"] = fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, s.chain[0].SerialNumber, scope, names, hex.EncodeToString(signature))
	return request{method: http.MethodPost, url: at.url, header: header, body: body}, nil
}

// padded adds leading zeros to a digest for a security key. A security key accepts only a digest that is as long as
// the numbers of the key's curve. For P-384, that is 48 bytes, but a digest has only 32 bytes, because AWS uses
// SHA-256 for all curves. Leading zeros do not change the number that is signed. padded does not change the digest
// for a key in memory.
func (s x509Signer) padded(digest []byte) []byte {
	_, software := s.key.(*ecdsa.PrivateKey)
	public, ok := s.key.Public().(*ecdsa.PublicKey)
	if software || !ok {
		return digest
	}
	if more := (public.Curve.Params().BitSize+7)/8 - len(digest); more > 0 {
		return append(make([]byte, more, more+len(digest)), digest...)
	}
	return digest
}

func encodeChain(chain []*x509.Certificate) string {
	var all []string
	for _, c := range chain {
		all = append(all, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return strings.Join(all, ",")
}

// canonicalPost returns a POST request in its canonical form, and the names of the signed headers. This program
// and AWS both compute the hash of the canonical form.
func canonicalPost(u *url.URL, header map[string]string, body []byte) (text, names string) {
	lower := map[string]string{"host": u.Host}
	for name, value := range header {
		lower[strings.ToLower(name)] = value
	}
	list := slices.Sorted(maps.Keys(lower))
	names = strings.Join(list, ";")
	var lines strings.Builder
	for _, name := range list {
		lines.WriteString(name + ":" + lower[name] + "\n")
	}
	query := strings.ReplaceAll(u.Query().Encode(), "+", "%20")
	return strings.Join([]string{http.MethodPost, u.EscapedPath(), query, lines.String(), names, hexSum(string(body))}, "\n"), names
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
