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

// A Network makes the connections to AWS and to others. It may be used by many goroutines at once.
type Network struct {
	Proxy   func(*http.Request) (*url.URL, error)    // nil for none
	Open    func(path string) (io.ReadCloser, error) // a file of roots
	Bundles []string                                 // files: the first that is there holds the system's roots; none leaves it to Go

	lock       sync.Mutex // guards what follows
	clients    map[clientKey]*http.Client
	transports map[string]http.RoundTripper // by the bundle that they trust

	rootsOnce sync.Once
	roots     *x509.CertPool // of the system's bundle
}

// A clientKey tells HTTP clients apart: by the roots they trust and the answers they take.
type clientKey struct {
	bundle string
	form   form
}

// client returns the HTTP client for a service whose answers have a form. Roots are
// loaded when the first call is made, and once.
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
	n.clients[key] = &http.Client{Transport: &checked{next: next, form: f}, CheckRedirect: NoRedirect}
	return n.clients[key], nil
}

// HTTP returns a client for what is not AWS's. It trusts a bundle of roots or, without one, what the system trusts,
// follows no redirect and refuses answers of more than a megabyte with a [*NotAWSError].
func (n *Network) HTTP(bundle string) (*http.Client, error) {
	next, err := n.Transport(bundle)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &bounded{next: next}, CheckRedirect: NoRedirect}, nil
}

// Transport trusts a bundle of roots or, without one, what the system trusts. Those who ask for the same bundle share
// its connections.
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

// roundTripper trusts a profile's bundle of roots or, without one, what the system trusts.
// Nothing of the system's is read before the first connection is encrypted.
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

// transport trusts these roots; nil are all that Go finds.
func (n *Network) transport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy: n.proxy, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxResponseHeaderBytes: maxHeader, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
	}
}

// maxHeader bounds the header of an answer, in bytes.
const maxHeader = 64 << 10

// NoRedirect follows no redirect: a signed request or a token is meant for one host.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// errProxy stands for an error that quotes the proxy's URL, and the password in it.
var errProxy = errors.New("the proxy that the environment names cannot be read, want a URL such as http://proxy.example.com:3128")

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

// ReadFile reads a file of at most so many bytes, whatever it says of its size.
func ReadFile(open func(path string) (io.ReadCloser, error), path string, most int64) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var raw bytes.Buffer
	if file, ok := f.(fs.File); ok {
		if info, err := file.Stat(); err == nil {
			raw.Grow(int(min(max(info.Size(), 0), most)) + bytes.MinRead) // or a large one is copied again and again
		}
	}
	if _, err := raw.ReadFrom(io.LimitReader(f, most+1)); err != nil {
		return nil, err
	}
	if int64(raw.Len()) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return raw.Bytes(), nil
}
