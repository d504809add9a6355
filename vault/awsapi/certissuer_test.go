package awsapi

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// A certWithKey is a certificate with its private key.
type certWithKey struct {
	*x509.Certificate
	key crypto.Signer
}

// A certIssuer issues certificates with fixed keys and serial numbers.
type certIssuer struct {
	testing.TB
	serial int64
}

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// issue creates a certificate for key. The certificate is signed by issuer, or self-signed if issuer is nil.
func (a *certIssuer) issue(template x509.Certificate, key ed25519.PrivateKey, issuer *certWithKey) *certWithKey {
	a.Helper()
	a.serial++
	template.SerialNumber = big.NewInt(a.serial)
	template.BasicConstraintsValid = true
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := &template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.Certificate, issuer.key
	}
	der, err := x509.CreateCertificate(nil, &template, parent, key.Public(), signer)
	if err != nil {
		a.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.Fatal(err)
	}
	return &certWithKey{c, key}
}

func subjectNamed(name string) pkix.Name {
	return pkix.Name{CommonName: name, Organization: []string{"Example"}}
}

func caTemplate(name string) x509.Certificate {
	return x509.Certificate{Subject: subjectNamed(name), IsCA: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLen: -1}
}

func serverTemplate(names ...string) x509.Certificate {
	c := x509.Certificate{Subject: subjectNamed("server"), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	return c
}

func modified(c x509.Certificate, change func(*x509.Certificate)) x509.Certificate {
	change(&c)
	return c
}

func bundleOf(roots ...*certWithKey) []byte {
	var text []byte
	for _, r := range roots {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Raw})...)
	}
	return text
}
