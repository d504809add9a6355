package awsapi

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// newTLSServer starts a TLS server and counts its connections. Without a handler it answers with the HTTP version.
func newTLSServer(t *testing.T, http2 bool, certificate *tls.Certificate, handler http.Handler) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var connections atomic.Int32
	if handler == nil {
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	}
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	if certificate != nil {
		server.TLS = &tls.Config{Certificates: []tls.Certificate{*certificate}}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, &connections
}

// serverCertAndRoot returns a server certificate, and a bundle with its root certificate.
func serverCertAndRoot(t *testing.T, names ...string) (*tls.Certificate, []byte) {
	a := &certIssuer{TB: t}
	root := a.issue(caTemplate("root"), testKey(1), nil)
	leaf := a.issue(serverTemplate(names...), testKey(2), root)
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: leaf.key}, bundleOf(root)
}

// transportTrusting returns the transport of a profile whose ca_bundle contains these roots.
func (r *fixture) transportTrusting(roots []byte) http.RoundTripper {
	r.Helper()
	r.Network.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(roots)), nil }
	next, err := r.Network.roundTripper("roots.pem")
	if err != nil {
		r.Fatal(err)
	}
	return next
}

// wantBody requests address, and expects the body want.
func (r *fixture) wantBody(next http.RoundTripper, address, want string) {
	r.Helper()
	resp, err := (&http.Client{Transport: next}).Get(address)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != want {
		r.Errorf("got %q (%v), want %q", body, err, want)
	}
}

func TestHTTPVersions(t *testing.T) {
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		r := newFixture(t)
		server, connections := newTLSServer(t, http2, nil, nil)
		next := r.transportTrusting(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
		for range 3 {
			r.wantBody(next, server.URL, proto)
		}
		if n := connections.Load(); n != 1 {
			t.Errorf("%s: %d connections for three calls", proto, n)
		}
	}
}

// The certificate must match the host in the URL, a name or an address, even if both lead to the same server.
func TestHostIsVerified(t *testing.T) {
	r := newFixture(t)
	own, roots := serverCertAndRoot(t, "127.0.0.1")
	server, _ := newTLSServer(t, false, own, nil)
	next := r.transportTrusting(roots)
	r.wantBody(next, server.URL, "HTTP/1.1")
	named := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	if _, err := (&http.Client{Transport: next}).Get(named); err == nil || !strings.Contains(err.Error(), "localhost") {
		t.Errorf("a server for 127.0.0.1 was spoken to as localhost: %v", err)
	}
	own, roots = serverCertAndRoot(t, "localhost")
	server, _ = newTLSServer(t, false, own, nil)
	next = r.transportTrusting(roots)
	r.wantBody(next, strings.Replace(server.URL, "127.0.0.1", "localhost", 1), "HTTP/1.1")
	if _, err := (&http.Client{Transport: next}).Get(server.URL); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a server for localhost was spoken to as 127.0.0.1: %v", err)
	}
}

// tunnel is a proxy that connects every client to one server.
func tunnel(to string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		far, err := net.Dial("tcp", to)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer far.Close()
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer near.Close()
		io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(far, near)
		io.Copy(near, far)
	})
}

// Through a proxy, the server's certificate must match the host in the URL. The certificate of an HTTPS proxy must
// match the proxy's host.
func TestHostIsVerifiedThroughProxy(t *testing.T) {
	own, roots := serverCertAndRoot(t, "sts.example.com")
	server, _ := newTLSServer(t, false, own, nil)
	at := server.Listener.Addr().String()
	plain := httptest.NewServer(tunnel(at))
	t.Cleanup(plain.Close)
	secure, _ := newTLSServer(t, false, nil, tunnel(at))
	roots = append(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})...)
	for _, via := range []string{plain.URL, secure.URL} {
		r := newFixture(t)
		r.Network.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(via) }
		next := r.transportTrusting(roots)
		r.wantBody(next, "https://sts.example.com/", "HTTP/1.1")
		if _, err := (&http.Client{Transport: next}).Get("https://sts.example.net/"); err == nil || !strings.Contains(err.Error(), "not sts.example.net") {
			t.Errorf("%s: a server for sts.example.com was spoken to as sts.example.net: %v", via, err)
		}
	}
}

// The profile's ca_bundle is also used for an HTTPS proxy, even if the request itself uses plain HTTP.
func TestProxyIsVerifiedWithCABundle(t *testing.T) {
	secure, _ := newTLSServer(t, false, nil, nil)
	r := newFixture(t)
	r.Network.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(secure.URL) }
	next := r.transportTrusting(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	r.wantBody(next, "http://127.0.0.1/", "HTTP/1.1")
}

// Certificates contain the ASCII form of an internationalized host name.
// https://www.rfc-editor.org/rfc/rfc6125#section-6.4.2
func TestInternationalHostIsVerified(t *testing.T) {
	own, roots := serverCertAndRoot(t, "xn--bcher-kva.example")
	server, _ := newTLSServer(t, false, own, nil)
	plain := httptest.NewServer(tunnel(server.Listener.Addr().String()))
	t.Cleanup(plain.Close)
	r := newFixture(t)
	r.Network.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(plain.URL) }
	next := r.transportTrusting(roots)
	r.wantBody(next, "https://bücher.example/", "HTTP/1.1")
	if _, err := (&http.Client{Transport: next}).Get("https://büchlein.example/"); err == nil || !strings.Contains(err.Error(), "certificate is valid for xn--bcher-kva.example") {
		t.Errorf("a server for bücher.example was spoken to as another: %v", err)
	}
}
