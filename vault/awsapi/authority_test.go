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

// A signed is a certificate with its key.
type signed struct {
	*x509.Certificate
	key crypto.Signer
}

// authority makes certificates whose keys and serial numbers are known beforehand.
type authority struct {
	testing.TB
	serial int64
}

func keyNumber(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// issue signs a form with by's key, or with its own where by is nil.
func (a *authority) issue(form x509.Certificate, key ed25519.PrivateKey, by *signed) *signed {
	a.Helper()
	a.serial++
	form.SerialNumber = big.NewInt(a.serial)
	form.BasicConstraintsValid = true
	if form.NotBefore.IsZero() {
		form.NotBefore, form.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := &form, crypto.Signer(key)
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(nil, &form, parent, key.Public(), signer)
	if err != nil {
		a.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.Fatal(err)
	}
	return &signed{c, key}
}

func named(name string) pkix.Name {
	return pkix.Name{CommonName: name, Organization: []string{"Example"}}
}

func ca(name string) x509.Certificate {
	return x509.Certificate{Subject: named(name), IsCA: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLen: -1}
}

func serverOf(names ...string) x509.Certificate {
	c := x509.Certificate{Subject: named("server"), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	return c
}

func but(c x509.Certificate, change func(*x509.Certificate)) x509.Certificate {
	change(&c)
	return c
}

func bundleOf(roots ...*signed) []byte {
	var text []byte
	for _, r := range roots {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Raw})...)
	}
	return text
}
