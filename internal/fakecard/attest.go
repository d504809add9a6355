package fakecard

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// An attestationCA certifies that a key was generated on a card. Its root certificate signs the card's certificate,
// and the card's certificate signs the certificates of keys.
// https://developers.yubico.com/PIV/Introduction/PIV_attestation.html
type attestationCA struct {
	root   *x509.Certificate
	device *x509.Certificate
	key    *ecdsa.PrivateKey // the private key for the certificate in the field device
}

// Root returns the root certificate of the card's attestations. Each fake card has its own root certificate.
func (c *Card) Root() *x509.Certificate { return c.piv.ca.root }

func newAttestationCA(c *Card) attestationCA {
	now := c.now()
	rootKey, deviceKey := generatePrivate(algP256).(*ecdsa.PrivateKey), generatePrivate(algP256).(*ecdsa.PrivateKey)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "EXAMPLE PIV Root CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	device := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "EXAMPLE PIV Attestation"},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		ExtraExtensions: []pkix.Extension{{Id: yubico(3), Value: c.version[:]}},
	}
	m := attestationCA{key: deviceKey}
	m.root = certify(root, root, &rootKey.PublicKey, rootKey)
	m.device = certify(device, m.root, &deviceKey.PublicKey, rootKey)
	return m
}

// certify creates a certificate. It panics if that fails, because all its inputs come from this package.
func certify(t, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, key)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
}

// yubico returns the identifier of Yubico's certificate extension with number n.
func yubico(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, n} }

func (p *pivApplet) attest(c command) ([]byte, status) {
	if !p.card.atLeast(4, 3) {
		return nil, unknownCommand
	}
	k := p.keys[c.p1]
	if k == nil || k.imported || c.p1 == slotAttestation {
		return nil, noReference
	}
	serial, err := asn1.Marshal(int64(p.card.serial))
	if err != nil {
		return nil, wrongConditions
	}
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(random(15)),
		Subject:      pkix.Name{CommonName: fmt.Sprintf("YubiKey PIV Attestation %02x", c.p1)},
		NotBefore:    p.ca.device.NotBefore, NotAfter: p.ca.device.NotAfter,
		ExtraExtensions: []pkix.Extension{
			{Id: yubico(3), Value: p.card.version[:]}, {Id: yubico(7), Value: serial},
			{Id: yubico(8), Value: []byte{k.pin, k.touch}}, {Id: yubico(9), Value: []byte{1}},
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, p.ca.device, k.cryptoPublic(), p.ca.key)
	if err != nil { // the standard library cannot create a certificate for the X25519 key
		return nil, wrongConditions
	}
	return der, done
}
