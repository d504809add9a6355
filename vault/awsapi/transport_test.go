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

// startTLS starts a TLS server in front of the fake, and returns its URL and its root certificate.
func (r *fixture) startTLS() (endpoint string, roots []byte) {
	server := httptest.NewUnstartedServer(r.aws)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // hide the errors of handshakes that fail on purpose
	server.StartTLS()
	r.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func TestCABundle(t *testing.T) {
	r := newFixture(t)
	endpoint, roots := r.startTLS()
	opened := 0
	r.Network.Open = func(path string) (io.ReadCloser, error) {
		opened++
		if path != "~/roots.pem" {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(roots)), nil
	}
	s := r.assumeReadOnly()
	s.Endpoint.URL, s.Endpoint.CABundle = endpoint, "~/roots.pem"
	for range 3 {
		r.mustSend(s)
	}
	if opened != 1 {
		t.Errorf("the bundle was opened %d times, want once", opened)
	}
	s.Endpoint.CABundle = ""
	r.wantText(sendFailsAs[*UnreachableError](r, s), "certificate")
	if opened != 1 {
		t.Error("a bundle was opened for a profile without ca_bundle")
	}
	r.wantCalls(3)
}

// Over TLS, the clock is corrected with the Date header of any host, even if the host is not AWS's.
func TestClockIsCorrectedOverTLS(t *testing.T) {
	r := newFixture(t)
	endpoint, roots := r.startTLS()
	r.Network.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(roots)), nil }
	r.Clock.Local = func() time.Time { return r.aws.Now().Add(20 * time.Minute) }
	s := r.assumeReadOnly()
	s.Endpoint.URL, s.Endpoint.CABundle = endpoint, "roots"
	r.mustSend(s)
	r.wantNotices("this computer's clock is 20m0s ahead of AWS's; AWS's time is used")
}

func TestInvalidCABundle(t *testing.T) {
	readErr := errors.New("input/output error")
	for name, c := range map[string]struct {
		text io.Reader
		want string
	}{
		"empty": {strings.NewReader(""), "contains no certificate, expected PEM"},
		"junk":  {strings.NewReader("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n"), "contains no certificate, expected PEM"},
		"large": {strings.NewReader(strings.Repeat("x", maxBundle+1)), "is larger than 16777216 bytes"},
		"error": {iotest.ErrReader(readErr), readErr.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.Network.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(c.text), nil }
			s := r.assumeReadOnly()
			s.Endpoint.CABundle = "roots.pem"
			r.wantText(r.sendFails(s), "ca_bundle: ", c.want)
			r.wantCalls(0)
		})
	}
	r := newFixture(t)
	s := r.assumeReadOnly()
	s.Endpoint.CABundle = "/nonexistent/roots.pem"
	if err := r.sendFails(s); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want an error that the file does not exist", err)
	}
}

func TestProxy(t *testing.T) {
	r := newFixture(t)
	var lookups []string
	r.Network.Proxy = func(q *http.Request) (*url.URL, error) {
		lookups = append(lookups, q.URL.Host)
		return url.Parse(r.aws.URL()) // the fake accepts the absolute URLs of proxy requests
	}
	s := r.assumeReadOnly()
	s.Endpoint.URL = "http://localhost:9"
	r.mustSend(s)
	if len(lookups) != 1 || lookups[0] != "localhost:9" {
		t.Errorf("a proxy was looked up for the hosts %q, want localhost:9", lookups)
	}
	r.addSecret("hunter2")
	r.Network.Proxy = func(*http.Request) (*url.URL, error) {
		return nil, errors.New(`invalid proxy address "http://u:hunter2@ proxy"`)
	}
	r.wantText(sendFailsAs[*UnreachableError](r, s), "the proxy URL in the environment is invalid")
}

func TestClientsShareConnections(t *testing.T) {
	r := newFixture(t)
	a, _ := r.Network.client("", formXML)
	b, _ := r.Network.client("", formXML)
	c, _ := r.Network.client("", formJSON)
	if a == nil || a != b || a.Transport.(*awsTransport).next != c.Transport.(*awsTransport).next {
		t.Error("connections are not shared")
	}
}
