//go:build interop && linux

package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A proxy is an HTTP proxy for the programs under test (HTTPS_PROXY). It connects AWS's host names to the world's
// fake AWS, and refuses all other names. The fake AWS then uses TLS, with certificates of the proxy's own
// authority.
type proxy struct {
	url   string
	caPEM string

	authority *x509.Certificate
	key       *ecdsa.PrivateKey // the private key of the authority and of all its certificates
	inside    string            // the address of the fake AWS's TLS listener

	mu    sync.Mutex
	hosts []string // the host names that were requested, each once
}

// newProxy starts a proxy to the fake AWS. The proxy stops when the test ends.
func newProxy(t *testing.T, aws http.Handler) *proxy {
	t.Helper()
	p := &proxy{}
	if err := p.certify(); err != nil {
		t.Fatal(err)
	}
	inside := httptest.NewUnstartedServer(aws)
	inside.TLS = &tls.Config{GetCertificate: p.certificate}
	inside.Config.ErrorLog = log.New(io.Discard, "", 0) // clients report TLS errors themselves
	inside.StartTLS()
	t.Cleanup(inside.Close)
	p.inside = inside.Listener.Addr().String()
	outside := httptest.NewServer(p)
	t.Cleanup(outside.Close)
	p.url = outside.URL
	return p
}

// certify creates the proxy's certificate authority.
func (p *proxy) certify() (err error) {
	if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	p.authority = certificate(1, "Example authority")
	p.authority.IsCA, p.authority.BasicConstraintsValid, p.authority.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, p.authority, p.authority, p.key.Public(), p.key)
	if err != nil {
		return err
	}
	p.caPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	p.authority, err = x509.ParseCertificate(der)
	return err
}

// certificate returns a server certificate for the host name that the client requests.
func (p *proxy) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	leaf := certificate(time.Now().UnixNano(), hello.ServerName)
	leaf.DNSNames, leaf.ExtKeyUsage = []string{hello.ServerName}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, leaf, p.authority, p.key.Public(), p.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}, nil
}

func certificate(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

// pin returns the hash, in base64, of the public key in the proxy's certificates. Chromium trusts certificates
// with this hash.
func (p *proxy) pin() string {
	sum := sha256.Sum256(p.authority.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ServeHTTP implements the CONNECT method. https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.Host)
	p.note(host)
	if r.Method != http.MethodConnect || !strings.HasSuffix(host, ".amazonaws.com") {
		http.Error(w, "this proxy connects only to AWS", http.StatusForbidden)
		return
	}
	there, err := net.Dial("tcp", p.inside)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connected\r\n\r\n"); err != nil {
		return
	}
	go func() {
		io.Copy(there, here)
		there.Close() // the client has disconnected
	}()
	io.Copy(here, there)
}

func (p *proxy) note(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.hosts, host) {
		p.hosts = append(p.hosts, host)
	}
}

// asked returns the host names that programs have requested since the last call to this method, in order and each
// once.
func (p *proxy) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	hosts := p.hosts
	p.hosts = nil
	return hosts
}
