package vault_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/testvault"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

// A replayCase is a recorded run of an SDK: the files and variables, the requests with AWS's responses, and the result.
// The cases come from the test data of smithy-rs; see testdata/README.md.
type replayCase struct {
	Case, Docs string
	Env, Files map[string]string
	Exchanges  []exchange
	Result     struct {
		OK *struct {
			ID      string `json:"access_key_id"`
			Secret  string `json:"secret_access_key"`
			Token   string `json:"session_token"`
			Account string `json:"account_id"`
			Expiry  int64
		} `json:"Ok"`
		Error string `json:"ErrorContains"`
	}
}

type exchange struct {
	Method, URL, Body, Token string
	Status                   int
	Type, Response           string
}

const (
	plainHTTP   = "a signed request or a token is sent over plain HTTP only to this machine"
	noProfile   = "aws-vault uses only the credentials of a profile, and the case names none"
	aboveOthers = "source_profile has priority over credential_process, as in aws-vault 7"
)

// replayDisagreements lists the cases that end differently, with the reason.
var replayDisagreements = map[string]string{
	"assume_role_override_global_env_url":      plainHTTP,
	"assume_role_override_global_profile_url":  plainHTTP,
	"assume_role_override_service_env_url":     plainHTTP,
	"assume_role_override_service_profile_url": plainHTTP,
	"sso_override_global_env_url":              plainHTTP,
	"credential_process":                       aboveOthers,
	"credential_process_account_id_fallback":   aboveOthers,
	"credential_process_failure":               aboveOthers,
	"credential_process_invalid":               aboveOthers,
	"environment_variables":                    noProfile,
	"prefer_environment":                       noProfile,
	"web_identity_token_env":                   noProfile,
	"sso_server_error":                         "aws-vault repeats a call that AWS answers with status 503, and the recording has one answer",
}

// isLocal reports whether the case calls an address of the machine or the container. Such addresses cannot be served in
// a test. The tables in packages plan and source cover them.
func (c replayCase) isLocal() bool {
	return slices.ContainsFunc(c.Exchanges, func(e exchange) bool { return strings.HasPrefix(e.URL, "http://169.254.") })
}

func TestReplay(t *testing.T) {
	raw, err := os.ReadFile("testdata/smithy/replay.json")
	if err != nil {
		t.Fatal(err)
	}
	// AWS's account numbers have 12 digits, but some numbers in the cases do not.
	text := strings.NewReplacer("::1234567890123:", "::123456789012:", "::123456789:", "::123456789012:", "%3A123456789%3A", "%3A123456789012%3A",
		"account_id=123456789&", "account_id=123456789012&", "sso_account_id = 123456789\\n", "sso_account_id = 123456789012\\n").Replace(string(raw))
	var cases []replayCase
	if err := json.Unmarshal([]byte(text), &cases); err != nil || len(cases) < 45 {
		t.Fatalf("%d cases, error %v", len(cases), err)
	}
	proxy, bundle := newReplayProxy(t)
	unused, ran := map[string]bool{}, 0
	for name := range replayDisagreements {
		unused[name] = true
	}
	for _, c := range cases {
		name := filepath.Base(c.Case)
		if c.isLocal() {
			continue
		}
		ran++
		delete(unused, name)
		got, want := c.run(t, proxy, bundle), c.want()
		reason, listed := replayDisagreements[name]
		switch {
		case got == want && listed:
			t.Errorf("%s: agrees, but is listed as a disagreement: %s", name, reason)
		case got != want && !listed:
			t.Errorf("%s (%s):\ngot  %s\nwant %s", name, c.Docs, got, want)
		}
	}
	if len(unused) > 0 || ran < 30 {
		t.Errorf("%d cases ran, and these do not exist: %v", ran, unused)
	}
}

// want returns the expected requests and the result as text.
func (c replayCase) want() string {
	var lines []string
	for _, e := range c.Exchanges {
		lines = append(lines, describe(e.Method, e.URL, e.Body, e.Token))
	}
	if r := c.Result.OK; r != nil {
		lines = append(lines, fmt.Sprintf("%s %s %q", r.ID, r.Secret, r.Token))
		if r.Expiry != 0 {
			lines = append(lines, time.Unix(r.Expiry, 0).UTC().Format(time.RFC3339))
		}
	} else {
		lines = append(lines, "error")
	}
	return strings.Join(lines, "\n     ")
}

// describe returns a request as text: the method, the URL and the parameters that decide on the credentials.
func describe(method, address, body, token string) string {
	u, err := url.Parse(address)
	if err != nil {
		return err.Error()
	}
	q, _ := url.ParseQuery(body)
	for _, name := range []string{"Version", "RoleSessionName", "DurationSeconds"} {
		q.Del(name) // the SDKs and aws-vault have different defaults
	}
	if q.Get("Action") == "AssumeRoleWithWebIdentity" {
		q = url.Values{"Action": q["Action"]} // the recordings have another role and another token than the files
	}
	return fmt.Sprintf("%s %s%s %s %s %s", method, u.Host, u.Path, u.Query().Encode(), q.Encode(), token)
}

// run plans and creates the credentials of a case. It returns the requests and the result as text.
func (c replayCase) run(t *testing.T, p *replayProxy, bundle string) string {
	p.start(c.Exchanges)
	w := testvault.New(t, c.Files["/home/.aws/config"])
	credentials, err := profile.ParseCredentials("credentials", c.Files["/home/.aws/credentials"])
	if err != nil {
		t.Fatal(err)
	}
	w.Inputs.Credentials = credentials
	delete(w.Env, "AWS_ENDPOINT_URL")
	for name, value := range c.Env {
		w.Env[name] = value
	}
	w.Env["AWS_CA_BUNDLE"] = bundle
	if r := c.Result.OK; r != nil && r.Expiry != 0 {
		w.ClockOffset = time.Until(time.Unix(r.Expiry, 0).Add(-30 * time.Minute)) // the recorded dates are in the past
	}
	dir := t.TempDir()
	open := func(path string) (io.ReadCloser, error) {
		if text, ok := c.Files[path]; ok {
			return io.NopCloser(strings.NewReader(text)), nil
		}
		return disk.Open(path)
	}
	w.Open, w.Source.Open, w.Source.AWS.Network.Open = open, open, open
	w.Source.AWS.Network.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(p.URL) }
	for path, text := range c.Files {
		if strings.Contains(path, "/sso/cache/") {
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Source.Cache = &store.SSOCache{Dir: dir}
	w.Source.Tokens = &store.Tokens{Ring: store.StampedRing(keystoretest.New()), Locks: w.Sessions.Locks, Index: w.Sessions.Index, Now: w.Sessions.Now}
	name := "default"
	if c.Env["AWS_PROFILE"] != "" {
		name = c.Env["AWS_PROFILE"]
	}
	creds, err := w.Create(t, name, plan.Options{NoSession: true})
	return strings.Join(append(p.requests(), result(creds, err)...), "\n     ")
}

func result(c aws.Credentials, err error) []string {
	if err != nil {
		return []string{"error"}
	}
	lines := []string{fmt.Sprintf("%s %s %q", c.AccessKeyID, c.SecretAccessKey, c.SessionToken)}
	if c.CanExpire {
		lines = append(lines, c.Expires.UTC().Format(time.RFC3339))
	}
	return lines
}

// A replayProxy is an HTTP proxy that answers the requests to all hosts with recorded responses.
type replayProxy struct {
	*httptest.Server
	tls       *httptest.Server
	exchanges []exchange
	seen      []string
}

func (p *replayProxy) start(exchanges []exchange) { p.exchanges, p.seen = exchanges, nil }

func (p *replayProxy) requests() []string { return p.seen }

// newReplayProxy returns a running proxy, and the path of a CA bundle for its certificates.
func newReplayProxy(t *testing.T) (*replayProxy, string) {
	p := &replayProxy{}
	issue, bundle := newReplayAuthority(t)
	p.tls = httptest.NewUnstartedServer(http.HandlerFunc(p.answer))
	p.tls.TLS = &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return issue(h.ServerName) }}
	p.tls.StartTLS()
	t.Cleanup(p.tls.Close)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			p.answer(w, r)
			return
		}
		out, err := net.Dial("tcp", p.tls.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		in, read, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		go func() { io.Copy(out, read); out.Close() }()
		go func() { io.Copy(in, out); in.Close() }()
	}))
	t.Cleanup(p.Server.Close)
	return p, bundle
}

// answer sends the response of the next recorded exchange.
func (p *replayProxy) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.seen = append(p.seen, describe(r.Method, "https://"+r.Host+r.URL.RequestURI(), string(body), r.Header.Get("X-Amz-Sso_bearer_token")))
	if len(p.seen) > len(p.exchanges) {
		http.Error(w, "no more responses", http.StatusBadRequest)
		return
	}
	e := p.exchanges[len(p.seen)-1]
	kind := e.Type
	if strings.HasPrefix(e.Response, "{") {
		kind = "application/json" // some recordings have another type than AWS sends
	}
	w.Header()["Date"] = nil // the recorded dates would count as a wrong clock
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(e.Status)
	io.WriteString(w, e.Response)
}

// newReplayAuthority returns a function that issues certificates for hosts, and the path of a CA bundle.
func newReplayAuthority(t *testing.T) (issue func(host string) (*tls.Certificate, error), bundle string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "EXAMPLE"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	bundle = filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(host string) (*tls.Certificate, error) {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), DNSNames: []string{host}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}, bundle
}
