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

// newTLSServer starts a TLS server and counts its connections. If handler is nil, the server responds with the HTTP
// version of the request.
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
	transport, err := r.Network.roundTripper("roots.pem")
	if err != nil {
		r.Fatal(err)
	}
	return transport
}

// wantBody requests address, and checks that the body of the response is the text want.
func (r *fixture) wantBody(transport http.RoundTripper, address, want string) {
	r.Helper()
	resp, err := (&http.Client{Transport: transport}).Get(address)
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
		transport := r.transportTrusting(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
		for range 3 {
			r.wantBody(transport, server.URL, proto)
		}
		if n := connections.Load(); n != 1 {
			t.Errorf("%s: three calls used %d connections, want 1", proto, n)
		}
	}
}

// The server's certificate must match the host in the URL. A certificate for localhost is not valid for 127.0.0.1,
// and a certificate for 127.0.0.1 is not valid for localhost, although both names lead to the same server.
func TestHostIsVerified(t *testing.T) {
	r := newFixture(t)
	cert, roots := serverCertAndRoot(t, "127.0.0.1")
	server, _ := newTLSServer(t, false, cert, nil)
	transport := r.transportTrusting(roots)
	r.wantBody(transport, server.URL, "HTTP/1.1")
	named := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	if _, err := (&http.Client{Transport: transport}).Get(named); err == nil || !strings.Contains(err.Error(), "localhost") {
		t.Errorf("certificate for 127.0.0.1, URL with localhost: got %v, want an error about localhost", err)
	}
	cert, roots = serverCertAndRoot(t, "localhost")
	server, _ = newTLSServer(t, false, cert, nil)
	transport = r.transportTrusting(roots)
	r.wantBody(transport, strings.Replace(server.URL, "127.0.0.1", "localhost", 1), "HTTP/1.1")
	if _, err := (&http.Client{Transport: transport}).Get(server.URL); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("certificate for localhost, URL with 127.0.0.1: got %v, want an error about 127.0.0.1", err)
	}
}

// tunnel returns the handler of a proxy that connects every client to address. It ignores the requested host.
func tunnel(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serverConn, err := net.Dial("tcp", address)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer serverConn.Close()
		clientConn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer clientConn.Close()
		io.WriteString(clientConn, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(serverConn, clientConn)
		io.Copy(clientConn, serverConn)
	})
}

// Through a proxy, the server's certificate must match the host in the URL. The certificate of an HTTPS proxy must
// match the proxy's host.
func TestHostIsVerifiedThroughProxy(t *testing.T) {
	cert, roots := serverCertAndRoot(t, "sts.example.com")
	server, _ := newTLSServer(t, false, cert, nil)
	at := server.Listener.Addr().String()
	plain := httptest.NewServer(tunnel(at))
	t.Cleanup(plain.Close)
	secure, _ := newTLSServer(t, false, nil, tunnel(at))
	roots = append(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})...)
	for _, via := range []string{plain.URL, secure.URL} {
		r := newFixture(t)
		r.Network.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(via) }
		transport := r.transportTrusting(roots)
		r.wantBody(transport, "https://sts.example.com/", "HTTP/1.1")
		if _, err := (&http.Client{Transport: transport}).Get("https://sts.example.net/"); err == nil || !strings.Contains(err.Error(), "not sts.example.net") {
			t.Errorf("proxy %s, certificate for sts.example.com, URL with sts.example.net: got %v, want an error about the host", via, err)
		}
	}
}

// The profile's ca_bundle is also used for an HTTPS proxy, even if the request itself uses plain HTTP.
func TestProxyIsVerifiedWithCABundle(t *testing.T) {
	secure, _ := newTLSServer(t, false, nil, nil)
	r := newFixture(t)
	r.Network.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(secure.URL) }
	transport := r.transportTrusting(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	r.wantBody(transport, "http://127.0.0.1/", "HTTP/1.1")
}

// Certificates contain the ASCII form of an internationalized host name.
// https://www.rfc-editor.org/rfc/rfc6125#section-6.4.2
func TestInternationalHostIsVerified(t *testing.T) {
	cert, roots := serverCertAndRoot(t, "xn--bcher-kva.example")
	server, _ := newTLSServer(t, false, cert, nil)
	plain := httptest.NewServer(tunnel(server.Listener.Addr().String()))
	t.Cleanup(plain.Close)
	r := newFixture(t)
	r.Network.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(plain.URL) }
	transport := r.transportTrusting(roots)
	r.wantBody(transport, "https://bücher.example/", "HTTP/1.1")
	if _, err := (&http.Client{Transport: transport}).Get("https://büchlein.example/"); err == nil || !strings.Contains(err.Error(), "certificate is valid for xn--bcher-kva.example") {
		t.Errorf("certificate for bücher.example, URL with büchlein.example: got %v, want an error about the certificate", err)
	}
}
