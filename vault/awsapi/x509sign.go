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

// An x509Signer signs requests with the key of a certificate, the first of a chain.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
type x509Signer struct {
	key   crypto.Signer
	chain []*x509.Certificate
}

// KeyKindError is returned for a key that AWS takes no signature of.
type KeyKindError struct{ Found string }

func (e *KeyKindError) Error() string {
	return fmt.Sprintf("the certificate's key is of the kind %s, want RSA or ECDSA", e.Found)
}

func (s x509Signer) algorithm() (string, error) {
	switch s.key.Public().(type) {
	case *rsa.PublicKey:
		return "AWS4-X509-RSA-SHA256", nil
	case *ecdsa.PublicKey:
		return "AWS4-X509-ECDSA-SHA256", nil
	}
	return "", &KeyKindError{fmt.Sprintf("%T", s.key.Public())}
}

// amzTime is how a signature writes when it was made.
const amzTime = "20060102T150405Z"

// request returns a signed POST.
func (s x509Signer) request(at address, body []byte, now time.Time) (request, error) {
	algorithm, err := s.algorithm()
	if err != nil {
		return request{}, err
	}
	u, err := url.Parse(at.url)
	if err != nil {
		return request{}, fmt.Errorf("%s cannot be called", siteOf(at.url))
	}
	stamp := now.UTC().Format(amzTime)
	header := map[string]string{
		"Content-Type": "application/json", "X-Amz-Date": stamp,
		"X-Amz-X509": base64.StdEncoding.EncodeToString(s.chain[0].Raw),
	}
	if between := certificate.Intermediates(s.chain); len(between) > 0 {
		header["X-Amz-X509-Chain"] = joined(between)
	}
	scope := strings.Join([]string{stamp[:8], at.region, at.service, "aws4_request"}, "/")
	canonical, names := canonicalPost(u, header, body)
	digest := sha256.Sum256([]byte(strings.Join([]string{algorithm, stamp, scope, hexSum(canonical)}, "\n")))
	signature, err := s.key.Sign(rand.Reader, s.filled(digest[:]), crypto.SHA256)
	if err != nil {
		return request{}, err
	}
	header["Authorization"] = fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, s.chain[0].SerialNumber, scope, names, hex.EncodeToString(signature))
	return request{method: http.MethodPost, url: at.url, header: header, body: body}, nil
}

// filled is a digest as a card wants it for a longer curve, whose keys AWS takes with SHA-256
// all the same: as long as the curve, which with zeros before it is the same number.
func (s x509Signer) filled(digest []byte) []byte {
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

func joined(chain []*x509.Certificate) string {
	var all []string
	for _, c := range chain {
		all = append(all, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return strings.Join(all, ",")
}

// canonicalPost is a POST in the one form that both sides hash, and the names of the headers
// that are part of it.
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
