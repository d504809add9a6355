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
	"time"
)

// A clientKey tells HTTP clients apart: by the roots they trust and the answers they take.
type clientKey struct {
	bundle string
	form   form
}

// client returns the HTTP client for a service whose answers have a form. Roots are
// loaded when the first call is made, and once.
func (api *Client) client(bundle string, f form) (*http.Client, error) {
	next, err := api.Transport(bundle)
	if err != nil {
		return nil, err
	}
	api.lock.Lock()
	defer api.lock.Unlock()
	key := clientKey{bundle, f}
	if c, ok := api.clients[key]; ok {
		return c, nil
	}
	if api.clients == nil {
		api.clients = map[clientKey]*http.Client{}
	}
	api.clients[key] = &http.Client{Transport: &checked{next: next, form: f}, CheckRedirect: NoRedirect}
	return api.clients[key], nil
}

// HTTP returns a client for what is not AWS's. It trusts a bundle of roots or, without one, what the system trusts,
// follows no redirect and refuses answers of more than a megabyte with a [*NotAWSError].
func (api *Client) HTTP(bundle string) (*http.Client, error) {
	next, err := api.Transport(bundle)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &bounded{next: next}, CheckRedirect: NoRedirect}, nil
}

// Transport trusts a bundle of roots or, without one, what the system trusts. Those who ask for the same bundle share
// its connections.
func (api *Client) Transport(bundle string) (http.RoundTripper, error) {
	api.lock.Lock()
	defer api.lock.Unlock()
	if t, ok := api.transports[bundle]; ok {
		return t, nil
	}
	t, err := api.roundTripper(bundle)
	if err != nil {
		return nil, err
	}
	if api.transports == nil {
		api.transports = map[string]http.RoundTripper{}
	}
	api.transports[bundle] = t
	return t, nil
}

// roundTripper trusts a profile's bundle of roots or, without one, what the system trusts.
// Nothing of the system's is read before the first connection is encrypted.
func (api *Client) roundTripper(bundle string) (http.RoundTripper, error) {
	if bundle != "" {
		roots, err := readRoots(api.Open, bundle)
		if err != nil {
			return nil, err
		}
		return api.newHosts(func() *anchors { return roots }), nil
	}
	if len(api.Bundles) == 0 {
		return api.transport(nil), nil
	}
	return api.newHosts(api.bundled), nil
}

// transport trusts these roots; nil are all that Go finds.
func (api *Client) transport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy: api.proxy, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
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

func (api *Client) proxy(r *http.Request) (*url.URL, error) {
	if api.Proxy == nil {
		return nil, nil
	}
	u, err := api.Proxy(r)
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
