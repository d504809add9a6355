package awsapi

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// encrypted puts TLS with roots of its own before the fake, and returns the roots.
func (r *room) encrypted() (endpoint string, roots []byte) {
	server := httptest.NewUnstartedServer(r.aws)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	server.StartTLS()
	r.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func TestBundleOfRoots(t *testing.T) {
	r := newRoom(t)
	endpoint, roots := r.encrypted()
	opened := 0
	r.Network.Open = func(path string) (io.ReadCloser, error) {
		opened++
		if path != "~/roots.pem" {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(roots)), nil
	}
	s := r.readOnly()
	s.Endpoint.URL, s.Endpoint.CABundle = endpoint, "~/roots.pem"
	for range 3 {
		r.make(s)
	}
	if opened != 1 {
		t.Errorf("roots were loaded %d times", opened)
	}
	s.Endpoint.CABundle = ""
	r.wantText(failAs[*UnreachableError](r, s), "certificate")
	if opened != 1 {
		t.Error("a bundle was loaded that nobody named")
	}
	r.wantCalls(3)
}

// Over TLS the Date is believed wherever the host is.
func TestClockIsCorrectedOverTLS(t *testing.T) {
	r := newRoom(t)
	endpoint, roots := r.encrypted()
	r.Network.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(roots)), nil }
	r.Clock.Local = func() time.Time { return r.aws.Now().Add(20 * time.Minute) }
	s := r.readOnly()
	s.Endpoint.URL, s.Endpoint.CABundle = endpoint, "roots"
	r.make(s)
	r.wantTold("this computer's clock is 20m0s ahead of AWS's; AWS's time is used")
}

func TestBundleThatIsNone(t *testing.T) {
	torn := errors.New("input/output error")
	for name, c := range map[string]struct {
		text io.Reader
		want string
	}{
		"empty": {strings.NewReader(""), "holds no certificate, want PEM"},
		"junk":  {strings.NewReader("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n"), "holds no certificate, want PEM"},
		"large": {strings.NewReader(strings.Repeat("x", maxBundle+1)), "is larger than 16777216 bytes"},
		"torn":  {iotest.ErrReader(torn), torn.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			r.Network.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(c.text), nil }
			s := r.readOnly()
			s.Endpoint.CABundle = "roots.pem"
			r.wantText(r.fail(s), "ca_bundle: ", c.want)
			r.wantCalls(0)
		})
	}
	r := newRoom(t)
	s := r.readOnly()
	s.Endpoint.CABundle = "/nonexistent/roots.pem"
	if err := r.fail(s); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestProxyIsAsked(t *testing.T) {
	r := newRoom(t)
	var asked []string
	r.Network.Proxy = func(q *http.Request) (*url.URL, error) {
		asked = append(asked, q.URL.Host)
		return url.Parse(r.aws.URL()) // the fake does not mind absolute addresses
	}
	s := r.readOnly()
	s.Endpoint.URL = "http://localhost:9"
	r.make(s)
	if len(asked) != 1 || asked[0] != "localhost:9" {
		t.Errorf("asked for proxies to %q", asked)
	}
	r.keep("hunter2")
	r.Network.Proxy = func(*http.Request) (*url.URL, error) {
		return nil, errors.New(`invalid proxy address "http://u:hunter2@ proxy"`)
	}
	r.wantText(failAs[*UnreachableError](r, s), "proxy that the environment names")
}

func TestClientsAreKeptByBundle(t *testing.T) {
	r := newRoom(t)
	a, _ := r.Network.client("", formXML)
	b, _ := r.Network.client("", formXML)
	c, _ := r.Network.client("", formJSON)
	if a == nil || a != b || a.Transport.(*checked).next != c.Transport.(*checked).next {
		t.Error("connections are not shared")
	}
}
