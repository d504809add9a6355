package awsapi

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// A Network creates HTTP clients for AWS and other servers. It is safe for concurrent use.
type Network struct {
	Proxy func(*http.Request) (*url.URL, error)    // returns the proxy for a request; nil means no proxy
	Open  func(path string) (io.ReadCloser, error) // opens a CA bundle
	// Bundles lists possible paths of the system's CA bundle. The first file that exists is used. If Bundles is
	// empty, Go itself searches for root certificates.
	Bundles []string

	lock       sync.Mutex // guards clients and transports
	clients    map[clientKey]*http.Client
	transports map[string]http.RoundTripper // keys are paths of CA bundles

	rootsOnce sync.Once
	roots     *x509.CertPool // root certificates in the system's bundle
}

// A clientKey identifies an HTTP client: the root certificates that it trusts and the responses that it accepts.
type clientKey struct {
	bundle string
	form   form
}

// client returns the HTTP client for a service with responses in the format f. The first call for a CA bundle reads the
// bundle. Clients for the same bundle share connections.
func (n *Network) client(bundle string, f form) (*http.Client, error) {
	next, err := n.Transport(bundle)
	if err != nil {
		return nil, err
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	key := clientKey{bundle, f}
	if c, ok := n.clients[key]; ok {
		return c, nil
	}
	if n.clients == nil {
		n.clients = map[clientKey]*http.Client{}
	}
	n.clients[key] = &http.Client{Transport: &awsTransport{next: next, form: f}, CheckRedirect: NoRedirect}
	return n.clients[key], nil
}

// HTTPClient returns a client for servers that are not AWS's. It trusts the CA bundle, or the system's root
// certificates if bundle is empty. It does not follow redirects. It refuses responses of more than 1 MiB with a
// [*NotAWSError].
func (n *Network) HTTPClient(bundle string) (*http.Client, error) {
	next, err := n.Transport(bundle)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &boundedTransport{next: next}, CheckRedirect: NoRedirect}, nil
}

// Transport returns a transport that trusts the CA bundle, or the system's root certificates if bundle is empty.
// Calls with the same bundle share a transport and its connections.
func (n *Network) Transport(bundle string) (http.RoundTripper, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if t, ok := n.transports[bundle]; ok {
		return t, nil
	}
	t, err := n.roundTripper(bundle)
	if err != nil {
		return nil, err
	}
	if n.transports == nil {
		n.transports = map[string]http.RoundTripper{}
	}
	n.transports[bundle] = t
	return t, nil
}

// roundTripper creates a transport that trusts the CA bundle, or the system's root certificates if bundle is
// empty. The system's certificates are read when the first TLS connection needs them.
func (n *Network) roundTripper(bundle string) (http.RoundTripper, error) {
	if bundle != "" {
		roots, err := readRoots(n.Open, bundle)
		if err != nil {
			return nil, err
		}
		return n.transport(roots), nil
	}
	if len(n.Bundles) == 0 {
		return n.transport(nil), nil
	}
	return n.newSystemTransport(), nil
}

// transport creates a transport that trusts roots. If roots is nil, Go itself searches for root certificates.
func (n *Network) transport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy: n.proxy, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxResponseHeaderBytes: maxHeader, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
	}
}

// maxHeader is the largest accepted size of a response's headers, in bytes.
const maxHeader = 64 << 10

// NoRedirect refuses redirects: a signed request or token must reach only the host that it was made for.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// errProxy replaces an error that quotes the proxy's URL, which may contain a password.
var errProxy = errors.New("the proxy URL in the environment is invalid, expected a URL such as http://proxy.example.com:3128")

func (n *Network) proxy(r *http.Request) (*url.URL, error) {
	if n.Proxy == nil {
		return nil, nil
	}
	u, err := n.Proxy(r)
	if err != nil {
		return nil, errProxy
	}
	return u, nil
}

// ReadFile reads a file. It fails if the file has more than maxSize bytes.
func ReadFile(open func(path string) (io.ReadCloser, error), path string, maxSize int64) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var raw bytes.Buffer
	if file, ok := f.(fs.File); ok {
		if info, err := file.Stat(); err == nil {
			// Allocate the buffer only once: a buffer that grows would copy a large file several times.
			raw.Grow(int(min(max(info.Size(), 0), maxSize)) + bytes.MinRead)
		}
	}
	if _, err := raw.ReadFrom(io.LimitReader(f, maxSize+1)); err != nil {
		return nil, err
	}
	if int64(raw.Len()) > maxSize {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxSize)
	}
	return raw.Bytes(), nil
}
