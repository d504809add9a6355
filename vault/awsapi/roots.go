package awsapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"sync/atomic"
)

// maxBundle bounds what is read of a file of roots; a system's is a quarter of a megabyte.
const maxBundle = 16 << 20

// readRoots reads the file that a profile names.
func readRoots(open func(string) (io.ReadCloser, error), path string) (*x509.CertPool, error) {
	text, err := ReadFile(open, path, maxBundle)
	if err != nil {
		return nil, fmt.Errorf("ca_bundle: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_bundle: %s holds no certificate, want PEM", path)
	}
	return roots, nil
}

// systemRoots returns the roots of the system's bundle, which is read once.
func (n *Network) systemRoots() *x509.CertPool {
	n.rootsOnce.Do(func() { n.roots = n.readSystemRoots() })
	return n.roots
}

// readSystemRoots reads the first of the system's bundles that is there. If it cannot be read,
// the pool is empty, and a server's authority is looked for elsewhere: see [systemTransport].
func (n *Network) readSystemRoots() *x509.CertPool {
	roots := x509.NewCertPool()
	for _, path := range n.Bundles {
		text, err := ReadFile(n.Open, path, maxBundle)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			roots.AppendCertsFromPEM(text)
		}
		break
	}
	return roots
}

// A systemTransport trusts what the system trusts. Go reads the system's bundle, and then each of
// its certificates again from a file of its own, which takes 10 ms. So a server is first verified
// by the bundle alone. Only if that does not prove who the server is, all roots that Go finds
// decide, in a second connection. Nothing is sent over a connection that is not verified.
type systemTransport struct {
	bundle  func() http.RoundTripper
	all     http.RoundTripper
	lacking atomic.Bool // the bundle has not sufficed once
}

func (n *Network) newSystemTransport() *systemTransport {
	return &systemTransport{
		bundle: sync.OnceValue(func() http.RoundTripper { return n.transport(n.systemRoots()) }),
		all:    n.transport(nil),
	}
}

func (t *systemTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || t.lacking.Load() {
		return t.all.RoundTrip(r)
	}
	resp, err := t.bundle().RoundTrip(r)
	var unproven *tls.CertificateVerificationError
	if !errors.As(err, &unproven) {
		return resp, err
	}
	again := r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		if r.GetBody == nil {
			return nil, err
		}
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	resp, err = t.all.RoundTrip(again)
	if err == nil {
		t.lacking.Store(true)
	}
	return resp, err
}
