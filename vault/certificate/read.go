// Package certificate reads and creates certificates, their keys and requests, and a small
// authority to try them with. Where its files lie, and who may read them, is left to the caller.
package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// MaxFile bounds a file of certificates or a key, in bytes. A certificate has about one
// thousand.
const MaxFile = 256 << 10

// maxChain is how many certificates a file may hold.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
const maxChain = 6

var (
	// ErrEncrypted is returned for a key under a passphrase, which somebody would have to type
	// whenever a session is made.
	ErrEncrypted = errors.New("the private key is encrypted, want one without a passphrase in a file that only you can read, or a key on a card")

	errNoKey = errors.New("no private key that can be used, want PEM with an RSA or an ECDSA key")
)

// Chain reads certificates in PEM: first the one whose key is used, then those between it
// and an authority's. What is no certificate, such as the key, is passed over.
func Chain(text []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d cannot be read: %w", len(chain)+1, err)
		}
		if chain = append(chain, c); len(chain) > maxChain {
			return nil, fmt.Errorf("more than %d certificates, want one and those between it and its authority", maxChain)
		}
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate, want PEM")
	}
	return chain, nil
}

// Intermediates returns what is sent beside a chain's first certificate: the others, but for
// an authority's own, which the other side has.
func Intermediates(chain []*x509.Certificate) []*x509.Certificate {
	var between []*x509.Certificate
	for _, c := range chain[1:] {
		if c.CheckSignatureFrom(c) != nil {
			between = append(between, c)
		}
	}
	return between
}

// Key reads an RSA or ECDSA key in PEM: PKCS #8, PKCS #1 or SEC 1. It fails with
// [ErrEncrypted] for a key under a passphrase. No error says anything of the key.
func Key(text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, ErrEncrypted
		}
		if key := parseKey(block); key != nil {
			return key, nil
		}
	}
	return nil, errNoKey
}

func parseKey(block *pem.Block) crypto.Signer {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	}
	if err != nil {
		return nil
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key
	case *ecdsa.PrivateKey:
		return key
	}
	return nil
}

// IsOf reports whether a certificate is of a key's public half.
func IsOf(c *x509.Certificate, public crypto.PublicKey) bool {
	with, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && with.Equal(public)
}
