package source

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
	"strings"
	"time"

	"aws-vault/vault/plan"
)

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
	next, err := d.roundTripper(e.CABundle)
	if err != nil {
		return nil, err
	}
	if d.clients == nil {
		d.clients = map[clientKey]*http.Client{}
	}
	d.clients[key] = &http.Client{Transport: &checked{next: next, form: f}, CheckRedirect: stay}
	if f == formAny {
		d.clients[key].Transport = &bounded{next: next}
	}
	return d.clients[key], nil
}

// Expect begins to read the roots that a call of the step will want, while the caller opens
// what signs it. What goes wrong is left to the call.
func (d *Deps) Expect(s plan.Step) {
	switch s.Kind {
	case plan.KindSessionToken, plan.KindAssumeRole, plan.KindFederationToken, plan.KindWebIdentity, plan.KindOIDC, plan.KindIdentity:
	default:
		return
	}
	go func() {
		at, err := stsAt(s)
		if err != nil || !strings.HasPrefix(at.url, "https:") {
			return
		}
		if _, err := d.client(s.Endpoint); err == nil && s.Endpoint.CABundle == "" {
			d.bundled()
		}
	}()
}

// roundTripper trusts a profile's bundle of roots or, without one, what the system trusts.
// Nothing of the system's is read before the first connection is encrypted.
func (d *Deps) roundTripper(bundle string) (http.RoundTripper, error) {
	if bundle != "" {
		roots, err := d.roots(bundle)
		if err != nil {
			return nil, err
		}
		return d.newHosts(func() *anchors { return roots }), nil
	}
	if len(d.Bundles) == 0 {
		return d.transport(nil), nil
	}
	return d.newHosts(d.bundled), nil
}

// transport trusts these roots; nil are all that Go finds.
func (d *Deps) transport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy: d.proxy, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxResponseHeaderBytes: maxHeader, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
	}
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

// read reads a file of at most so many bytes, whatever it says of its size.
func (d *Deps) read(path string, most int64) ([]byte, error) {
	f, err := d.Open(path)
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
