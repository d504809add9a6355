// Package certificate reads and creates certificates, keys and signing requests, and has a small certificate authority
// for tests. Callers store the files and check their permissions.
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

// MaxFile is the largest size of a certificate or key file, in bytes. One certificate has about 1 kB.
const MaxFile = 256 << 10

// maxChain is the largest number of certificates in a file.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
const maxChain = 6

var (
	// ErrEncrypted reports a private key with a passphrase. Such a key is not supported, because the user would have
	// to type the passphrase for each new session.
	ErrEncrypted = errors.New("the private key is encrypted, expected a key without a passphrase in a file that only you can read, or a key on a security key")

	errNoKey = errors.New("no usable private key found, expected an RSA or ECDSA key in PEM")
)

// ParseChain reads certificates in PEM: first the certificate of the private key, then any intermediate certificates.
// It skips other PEM blocks, such as a private key.
func ParseChain(text []byte) ([]*x509.Certificate, error) {
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
			return nil, fmt.Errorf("more than %d certificates found, expected one and its intermediate certificates", maxChain)
		}
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate found, expected PEM")
	}
	return chain, nil
}

// Intermediates returns the certificates that are sent to AWS in addition to the first certificate of the chain.
// It omits self-signed certificates, because AWS already has the root certificate.
func Intermediates(chain []*x509.Certificate) []*x509.Certificate {
	var intermediates []*x509.Certificate
	for _, c := range chain[1:] {
		if c.CheckSignatureFrom(c) != nil {
			intermediates = append(intermediates, c)
		}
	}
	return intermediates
}

// ParseKey reads an RSA or ECDSA key in PEM: PKCS #8, PKCS #1 or SEC 1. It returns [ErrEncrypted] if the key has a
// passphrase. Errors contain no part of the key.
func ParseKey(text []byte) (crypto.Signer, error) {
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

// Matches reports whether c is a certificate for this public key.
func Matches(c *x509.Certificate, public crypto.PublicKey) bool {
	key, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(public)
}
