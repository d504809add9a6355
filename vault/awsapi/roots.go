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

// maxBundle is the largest accepted size of a CA bundle, in bytes. A system's bundle has about 250 kB.
const maxBundle = 16 << 20

// readRoots reads the file of a profile's ca_bundle setting.
func readRoots(open func(string) (io.ReadCloser, error), path string) (*x509.CertPool, error) {
	text, err := ReadFile(open, path, maxBundle)
	if err != nil {
		return nil, fmt.Errorf("ca_bundle: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_bundle: %s contains no certificate, expected PEM", path)
	}
	return roots, nil
}

// systemRoots returns the root certificates in the system's bundle. It reads the bundle once.
func (n *Network) systemRoots() *x509.CertPool {
	n.rootsOnce.Do(func() { n.roots = n.readSystemRoots() })
	return n.roots
}

// readSystemRoots reads the first of the system's bundles that exists. If no bundle can be read, it returns an empty
// pool, and [systemTransport] falls back to Go's own search for root certificates.
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

// A systemTransport trusts the system's root certificates. Go's own search takes 10 ms, because it reads not only
// the system's bundle but also a separate file for each certificate. Therefore the first attempt trusts only the
// bundle. If the bundle does not verify the server's certificate, a second connection uses Go's own search.
// Nothing is sent before the server is verified.
type systemTransport struct {
	bundle             func() http.RoundTripper
	all                http.RoundTripper
	bundleInsufficient atomic.Bool // whether a request failed with the field bundle, but succeeded with the field all
}

func (n *Network) newSystemTransport() *systemTransport {
	return &systemTransport{
		bundle: sync.OnceValue(func() http.RoundTripper { return n.transport(n.systemRoots()) }),
		all:    n.transport(nil),
	}
}

func (t *systemTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || t.bundleInsufficient.Load() {
		return t.all.RoundTrip(r)
	}
	resp, err := t.bundle().RoundTrip(r)
	var certErr *tls.CertificateVerificationError
	if !errors.As(err, &certErr) {
		return resp, err
	}
	retry := r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		if r.GetBody == nil {
			return nil, err
		}
		if retry.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	resp, err = t.all.RoundTrip(retry)
	if err == nil {
		t.bundleInsufficient.Store(true)
	}
	return resp, err
}
