package awsapi

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
)

// Anchors are the roots that servers are trusted by. None is parsed before a server has
// shown its chain, and then only those that crypto/x509 could look at: a system has some
// 150 roots, which take 3 ms to parse, and a chain ends at one.
type anchors struct {
	roots  [][]byte // DER, in the order of their file
	system bool     // where they do not do, all that Go finds are asked
}

// readAnchors reads what [x509.CertPool.AppendCertsFromPEM] would.
func readAnchors(text []byte) *anchors {
	a := &anchors{}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" && len(block.Headers) == 0 {
			a.roots = append(a.roots, block.Bytes)
		}
	}
	return a
}

// none reports whether there is no root that can be parsed.
func (a *anchors) none() bool {
	return !slices.ContainsFunc(a.roots, func(der []byte) bool {
		_, err := x509.ParseCertificate(der)
		return err == nil
	})
}

// all is the pool of all roots.
func (a *anchors) all() *x509.CertPool { return a.pool(func([]byte) bool { return true }) }

// asked is the pool of the roots that a verification of the chain can ask for: those whose
// subject is the issuer of a certificate that was sent, byte for byte, and the first of
// these, should it itself be a root. All of them hold the bytes of an issuer's name; what
// else does is as idle in this pool as in that of all.
// https://cs.opensource.google/go/go/+/refs/tags/go1.26.0:src/crypto/x509/cert_pool.go (findPotentialParents, contains)
func (a *anchors) asked(chain []*x509.Certificate) *x509.CertPool {
	return a.pool(func(der []byte) bool {
		return slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return bytes.Contains(der, c.RawIssuer) })
	})
}

func (a *anchors) pool(wanted func(der []byte) bool) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, der := range a.roots {
		if !wanted(der) {
			continue
		}
		if root, err := x509.ParseCertificate(der); err == nil {
			pool.AddCert(root)
		}
	}
	return pool
}

// config is for connections to one host, a name or an address. crypto/tls takes roots only
// before it has seen the chain; so its own verification, which InsecureSkipVerify turns
// off, is made by verify, in the handshake and before anything is sent. The host is fixed
// here, for the state of a connection does not say it where it is an address.
func (a *anchors) config(host string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error { return a.verify(host, s.PeerCertificates) },
	}
}

var errNoHost = errors.New("no host and certificate to verify")

// verify does what crypto/tls does, with the same errors, but for which roots are parsed.
// https://cs.opensource.google/go/go/+/refs/tags/go1.26.0:src/crypto/tls/handshake_client.go (verifyServerCertificate)
func (a *anchors) verify(host string, chain []*x509.Certificate) error {
	if host == "" || len(chain) == 0 {
		return errNoHost // x509 would verify no name
	}
	o := x509.VerifyOptions{
		DNSName: host, Roots: a.asked(chain), Intermediates: x509.NewCertPool(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(o)
	if err != nil && a.system {
		o.Roots = nil
		_, err = chain[0].Verify(o)
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}
