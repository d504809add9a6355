package source

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
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

// request returns a signed POST. Its body has to be given anew each time it is sent.
func (s x509Signer) request(ctx context.Context, address string, body []byte, region string, now time.Time) (*http.Request, error) {
	algorithm, err := s.algorithm()
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be called", siteOf(address))
	}
	stamp := now.UTC().Format(amzTime)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-X509", base64.StdEncoding.EncodeToString(s.chain[0].Raw))
	if between := certificate.Intermediates(s.chain); len(between) > 0 {
		r.Header.Set("X-Amz-X509-Chain", joined(between))
	}
	scope := strings.Join([]string{stamp[:8], region, "rolesanywhere", "aws4_request"}, "/")
	canonical, names := canonicalRequest(r, body)
	text := strings.Join([]string{algorithm, stamp, scope, hexSum(canonical)}, "\n")
	digest := sha256.Sum256([]byte(text))
	signature, err := s.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, s.chain[0].SerialNumber, scope, names, hex.EncodeToString(signature)))
	r.Header.Set("User-Agent", "aws-vault") // set after it was signed, as machines on the way change it
	return r, nil
}

func joined(chain []*x509.Certificate) string {
	var all []string
	for _, c := range chain {
		all = append(all, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return strings.Join(all, ",")
}

// canonicalRequest is a request in the one form that both sides hash, and the names of the
// headers that are part of it.
func canonicalRequest(r *http.Request, body []byte) (text, names string) {
	headers := map[string]string{"host": r.URL.Host}
	for name := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(strings.Fields(r.Header.Get(name)), " ")
	}
	var list, lines []string
	for name := range headers {
		list = append(list, name)
	}
	slices.Sort(list)
	for _, name := range list {
		lines = append(lines, name+":"+headers[name]+"\n")
	}
	names = strings.Join(list, ";")
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	return strings.Join([]string{r.Method, r.URL.EscapedPath(), query, strings.Join(lines, ""), names, hexSum(string(body))}, "\n"), names
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
