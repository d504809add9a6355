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

// NewKey creates an ECDSA key on P-256. It returns the key itself and its PEM form (PKCS #8).
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

// NewRequest returns a certificate signing request in PEM. The argument signer is the private key for which a
// certificate is requested.
// https://www.rfc-editor.org/rfc/rfc2986
func NewRequest(subject pkix.Name, signer crypto.Signer) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, signer)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// An Authority issues certificates.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// NewAuthority creates an authority with a self-signed certificate.
func NewAuthority(name string, key crypto.Signer, now time.Time, validity time.Duration) (*Authority, error) {
	t, err := template(pkix.Name{CommonName: name}, now, validity)
	if err != nil {
		return nil, err
	}
	t.KeyUsage, t.IsCA, t.BasicConstraintsValid = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, true, true
	c, err := sign(t, t, key.Public(), key)
	return &Authority{c, key}, err
}

// Issue returns a certificate for a public key, with the extensions that IAM Roles Anywhere requires. The
// certificate expires no later than the authority's certificate. Issue fails if the authority's key and
// certificate do not match.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
func (a *Authority) Issue(subject pkix.Name, public crypto.PublicKey, now time.Time, validity time.Duration) (*x509.Certificate, error) {
	if !Matches(a.Certificate, a.Key.Public()) {
		return nil, errors.New("the authority's certificate does not match its key")
	}
	if until := now.Add(validity); until.After(a.Certificate.NotAfter) {
		validity = a.Certificate.NotAfter.Sub(now)
	}
	t, err := template(subject, now, validity)
	if err != nil {
		return nil, err
	}
	t.KeyUsage, t.ExtKeyUsage, t.BasicConstraintsValid = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, true
	return sign(t, a.Certificate, public, a.Key)
}

// Encode returns certificates in PEM.
func Encode(chain ...*x509.Certificate) []byte {
	var text []byte
	for _, c := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

// A new certificate is valid from a time in the past, so that computers with slow clocks accept it. backdate is
// how long ago that time is.
const backdate = 5 * time.Minute

func template(subject pkix.Name, now time.Time, validity time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: subject, NotBefore: now.Add(-backdate), NotAfter: now.Add(validity)}, nil
}

func sign(t, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
