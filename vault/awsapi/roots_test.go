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

// serveFiles makes Network.Open return these files, and records which paths were opened.
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
		t.Errorf("%q were opened for a call in the open", *opened)
	}
	s.Endpoint.URL = endpoint
	for range 3 {
		r.mustSend(s)
	}
	if !slices.Equal(*opened, []string{"a.pem", "b.pem"}) {
		t.Errorf("opened %q, want the first that is there, once", *opened)
	}
}

// The preloaded roots are read once, and several calls share one connection.
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
		t.Errorf("%q were opened, and %d connections, for three calls", *opened, connections.Load())
	}
}

// If the bundle lacks the root certificate, Go's own search decides. In this test that fails too.
func TestInsufficientSystemBundle(t *testing.T) {
	for name, bundle := range map[string][]byte{
		"another root": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: unrelatedCert(t)}), "junk": []byte("junk"), "none": nil,
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
			t.Errorf("%s: AWS was called %d times by a client that does not trust it", name, len(calls))
		}
	}
}

// rootsFileVariable is set in the child process of TestFallbackToGoRoots, to the file of root certificates that
// Go's own search finds. A child process is necessary because Go searches only once.
const rootsFileVariable = "TEST_AWS_VAULT_FALLBACK"

// If the bundle does not verify the server's certificate, Go's own search for root certificates decides.
func TestFallbackToGoRoots(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere no bundle is read, and the system is asked for its roots")
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
	by := &certIssuer{TB: t}
	root := by.issue(caTemplate("root"), testKey(1), nil)
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
		t.Errorf("opened %q", *opened)
	}
	s.Endpoint.CABundle = "b.pem" // a profile with a ca_bundle trusts no other certificates
	r.wantText(sendFailsAs[*UnreachableError](r, s), "certificate")

	// The bundle contains an expired certificate of the authority.
	old := by.issue(modified(caTemplate("root"), func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}), testKey(1), nil)
	leaf := by.issue(serverTemplate("127.0.0.1"), testKey(2), root)
	r = newFixture(t)
	server, connections := newTLSServer(t, false, &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: leaf.key}, r.aws)
	r.serveFiles(map[string][]byte{"b.pem": bundleOf(old)})
	r.Network.Bundles = []string{"b.pem"}
	s = r.assumeReadOnly()
	s.Endpoint.URL = server.URL
	r.mustSend(s)
	server.CloseClientConnections()
	r.mustSend(s)
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections for two calls, want one that fails and two: the bundle is not tried again", n)
	}
}

// unrelatedCert returns a root certificate that did not sign the server's certificate.
func unrelatedCert(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "another"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
