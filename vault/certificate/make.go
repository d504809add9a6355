package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"time"
)

// NewKey makes an ECDSA key on P-256, and returns it with its PEM.
func NewKey() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Request returns a certificate signing request in PEM for the signer's key, which signs it.
// https://www.rfc-editor.org/rfc/rfc2986
func Request(subject pkix.Name, signer crypto.Signer) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, signer)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// An Authority signs certificates.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// NewAuthority makes an authority's certificate, signed with its own key, for a time from now.
func NewAuthority(name string, key crypto.Signer, now time.Time, lasts time.Duration) (*Authority, error) {
	t, err := template(pkix.Name{CommonName: name}, now, lasts)
	if err != nil {
		return nil, err
	}
	t.KeyUsage, t.IsCA, t.BasicConstraintsValid = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, true, true
	c, err := sign(t, t, key.Public(), key)
	return &Authority{c, key}, err
}

// Issue makes a certificate for whoever holds a key's private half, as IAM Roles Anywhere
// asks for it: to sign with, and no authority.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
func (a *Authority) Issue(subject pkix.Name, public crypto.PublicKey, now time.Time, lasts time.Duration) (*x509.Certificate, error) {
	if !IsOf(a.Certificate, a.Key.Public()) {
		return nil, errors.New("the authority's certificate is of another key")
	}
	if until := now.Add(lasts); until.After(a.Certificate.NotAfter) {
		lasts = a.Certificate.NotAfter.Sub(now)
	}
	t, err := template(subject, now, lasts)
	if err != nil {
		return nil, err
	}
	t.KeyUsage, t.ExtKeyUsage, t.BasicConstraintsValid = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, true
	return sign(t, a.Certificate, public, a.Key)
}

// Encode writes certificates in PEM.
func Encode(chain ...*x509.Certificate) []byte {
	var text []byte
	for _, c := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

// early is how long before now a certificate begins, for computers whose clocks are behind.
const early = 5 * time.Minute

func template(subject pkix.Name, now time.Time, lasts time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: subject, NotBefore: now.Add(-early), NotAfter: now.Add(lasts)}, nil
}

func sign(t, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
