package source

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"aws-vault/vault/plan"
)

// maxBundle bounds what is read of a file of roots; a system's is a quarter of a megabyte.
const maxBundle = 16 << 20

// A clientKey tells HTTP clients apart: by the roots they trust and the answers they take.
type clientKey struct {
	bundle string
	form   form
}

// client returns the HTTP client for an endpoint of STS.
func (d *Deps) client(e plan.Endpoint) (*http.Client, error) { return d.clientFor(e, formXML) }

// clientFor returns the HTTP client for an endpoint whose answers have a form. Roots are
// loaded when the first call is made, and once.
func (d *Deps) clientFor(e plan.Endpoint, f form) (*http.Client, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	key := clientKey{e.CABundle, f}
	if c, ok := d.clients[key]; ok {
		return c, nil
	}
	transport := &http.Transport{
		Proxy: d.proxy, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxResponseHeaderBytes: maxHeader, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
	}
	if e.CABundle != "" {
		roots, err := d.roots(e.CABundle)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig.RootCAs = roots
	}
	if d.clients == nil {
		d.clients = map[clientKey]*http.Client{}
	}
	d.clients[key] = &http.Client{Transport: &checked{next: transport, form: f}, CheckRedirect: stay}
	if f == formAny {
		d.clients[key].Transport = &bounded{next: transport}
	}
	return d.clients[key], nil
}

// maxHeader bounds the header of an answer, in bytes.
const maxHeader = 64 << 10

// stay follows no redirect: a signed request or a token is meant for one host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// errProxy stands for an error that quotes the proxy's URL, and the password in it.
var errProxy = errors.New("the proxy that the environment names cannot be read, want a URL such as http://proxy.example.com:3128")

func (d *Deps) proxy(r *http.Request) (*url.URL, error) {
	if d.Proxy == nil {
		return nil, nil
	}
	u, err := d.Proxy(r)
	if err != nil {
		return nil, errProxy
	}
	return u, nil
}

func (d *Deps) roots(path string) (*x509.CertPool, error) {
	pem, err := d.read(path, maxBundle)
	if err != nil {
		return nil, fmt.Errorf("ca_bundle: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_bundle: %s holds no certificate, want PEM", path)
	}
	return roots, nil
}

// read reads a file of at most so many bytes.
func (d *Deps) read(path string, most int64) ([]byte, error) {
	f, err := d.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return raw, nil
}
