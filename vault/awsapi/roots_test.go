package awsapi

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// serveFiles sets Network.Open to a function that opens only these files. It returns a list to which that function adds
// each requested path.
func (r *fixture) serveFiles(files map[string][]byte) *[]string {
	var opened []string
	r.Network.Open = func(path string) (io.ReadCloser, error) {
		opened = append(opened, path)
		if text, ok := files[path]; ok {
			return io.NopCloser(bytes.NewReader(text)), nil
		}
		return nil, fs.ErrNotExist
	}
	return &opened
}

func TestSystemBundleIsReadOnce(t *testing.T) {
	r := newFixture(t)
	endpoint, roots := r.startTLS()
	opened := r.serveFiles(map[string][]byte{"b.pem": roots})
	r.Network.Bundles = []string{"a.pem", "b.pem", "c.pem"}
	s := r.assumeReadOnly()
	r.mustSend(s)
	if len(*opened) != 0 {
		t.Errorf("a call over plain HTTP opened %q, want no files", *opened)
	}
	s.Endpoint.URL = endpoint
	for range 3 {
		r.mustSend(s)
	}
	if !slices.Equal(*opened, []string{"a.pem", "b.pem"}) {
		t.Errorf("opened %q, want the files up to the first that exists, once", *opened)
	}
}

// PreloadRoots reads the bundle only once, and several calls share one connection.
func TestPreloadedRootsAreReadOnce(t *testing.T) {
	r := newFixture(t)
	server, connections := newTLSServer(t, false, nil, r.aws)
	opened := r.serveFiles(map[string][]byte{"b.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})})
	r.Network.Bundles = []string{"b.pem"}
	s := r.assumeReadOnly()
	s.Endpoint.URL = server.URL
	for range 3 {
		STS{r.Client, s.Target}.PreloadRoots()
		r.mustSend(s)
	}
	if !slices.Equal(*opened, []string{"b.pem"}) || connections.Load() != 1 {
		t.Errorf("three calls opened %q and used %d connections, want b.pem and 1 connection", *opened, connections.Load())
	}
}

// If the bundle lacks the server's root certificate, the roots that Go itself finds are tried next. In this test,
// they lack the certificate too, so the call fails.
func TestInsufficientSystemBundle(t *testing.T) {
	for name, bundle := range map[string][]byte{
		"another root": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: unrelatedCert(t)}), "no certificate": []byte("junk"), "no bundle": nil,
	} {
		r := newFixture(t)
		endpoint, _ := r.startTLS()
		files := map[string][]byte{}
		if bundle != nil {
			files["b.pem"] = bundle
		}
		r.serveFiles(files)
		r.Network.Bundles = []string{"b.pem"}
		s := r.assumeReadOnly()
		s.Endpoint.URL = endpoint
		r.wantText(sendFailsAs[*UnreachableError](r, s), "certificate")
		if calls := r.aws.Calls(); len(calls) != 0 {
			t.Errorf("%s: AWS received %d calls from a client that does not trust its certificate", name, len(calls))
		}
	}
}

// rootsFileVariable is the environment variable that TestFallbackToGoRoots sets in its child process. It contains
// the path of the file in which Go finds root certificates. The test needs a child process because Go searches only
// once.
const rootsFileVariable = "TEST_AWS_VAULT_FALLBACK"

// If the bundle does not verify the server's certificate, the root certificates that Go itself finds are used.
func TestFallbackToGoRoots(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("on other systems, no bundle is read, and the system provides the root certificates")
	}
	if os.Getenv(rootsFileVariable) == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestFallbackToGoRoots$")
		path := filepath.Join(t.TempDir(), "all.pem")
		c.Env = append(os.Environ(), rootsFileVariable+"="+path, "SSL_CERT_FILE="+path, "SSL_CERT_DIR="+t.TempDir())
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	r := newFixture(t)
	endpoint, roots := r.startTLS()
	issuer := &certIssuer{TB: t}
	root := issuer.issue(caTemplate("root"), testKey(1), nil)
	if err := os.WriteFile(os.Getenv(rootsFileVariable), append(roots, bundleOf(root)...), 0o600); err != nil {
		t.Fatal(err)
	}
	opened := r.serveFiles(map[string][]byte{"b.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: unrelatedCert(t)})})
	r.Network.Bundles = []string{"b.pem"}
	s := r.assumeReadOnly()
	s.Endpoint.URL = endpoint
	r.mustSend(s)
	r.mustSend(s)
	r.wantCalls(2)
	if len(*opened) != 1 {
		t.Errorf("opened %q, want the bundle once", *opened)
	}
	s.Endpoint.CABundle = "b.pem" // a profile with a ca_bundle trusts no other certificates
	r.wantText(sendFailsAs[*UnreachableError](r, s), "certificate")

	// Now the bundle contains an expired certificate of the server's authority.
	expired := issuer.issue(modified(caTemplate("root"), func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}), testKey(1), nil)
	leaf := issuer.issue(serverTemplate("127.0.0.1"), testKey(2), root)
	r = newFixture(t)
	server, connections := newTLSServer(t, false, &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: leaf.key}, r.aws)
	r.serveFiles(map[string][]byte{"b.pem": bundleOf(expired)})
	r.Network.Bundles = []string{"b.pem"}
	s = r.assumeReadOnly()
	s.Endpoint.URL = server.URL
	r.mustSend(s)
	server.CloseClientConnections()
	r.mustSend(s)
	if n := connections.Load(); n != 3 {
		t.Errorf("two calls used %d connections, want 3: one that fails with the bundle, then one for each call", n)
	}
}

// unrelatedCert returns a root certificate that did not sign the server's certificate.
func unrelatedCert(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "another"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
