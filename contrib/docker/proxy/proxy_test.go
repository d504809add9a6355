package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/server"
	"aws-vault/vault/peer"
)

const token = "tokenEXAMPLEtokenEXAMPLEtokenEXAMPLE00"

// A backend replaces aws-vault serve in the tests. It serves a socket to which the proxy forwards requests.
type backend struct {
	asked []*http.Request
	proxy http.Handler
	dir   string // the directory of the token files
}

func newBackend(t *testing.T, answer http.HandlerFunc) *backend {
	t.Helper()
	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &backend{dir: filepath.Join(dir, "tokens")}
	for name, text := range map[string]string{"dev": token, "a%20b": token, "a%2Fb": token, "torn": token + "\n", "empty": "", "big": strings.Repeat("x", maxToken+1)} {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "outside"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../outside", filepath.Join(s.dir, "link")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "serve.sock"))
	if err != nil {
		t.Fatal(err)
	}
	vault := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, r)
		answer(w, r)
	})}
	go vault.Serve(l)
	t.Cleanup(func() { vault.Close() })
	tokens, err := os.OpenRoot(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tokens.Close() })
	guard := server.Filter{Hosts: hosts("127.0.0.1:1")}
	s.proxy = guard.Wrap(newForward(l.Addr().String(), tokens, true))
	return s
}

func (s *backend) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	anyone := peer.Check{Anyone: true}.Conn(nil)
	s.proxy.ServeHTTP(w, r.WithContext(peer.ConnContext(r.Context(), anyone)))
	return w
}

func TestForward(t *testing.T) {
	s := newBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "text")
	})
	dev, role := server.ContainerPath("dev", token), "/role-arn/arn:aws:iam::123456789012:role/x"
	for path, want := range map[string]string{
		dev: "/dev", dev + role: "/dev" + role, dev + "/role-arn/arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx": "/dev" + role,
		server.ContainerPath("a b", token): "/a%20b", server.ContainerPath("a/b", token): "/a/b",
	} {
		r := httptest.NewRequest(http.MethodGet, "http://169.254.170.2"+path+"?secret=1", nil)
		r.Header.Set("Authorization", "mine")
		r.Header.Set("X-Mine", "mine")
		w := s.ask(r)
		if w.Code != http.StatusForbidden || w.Body.String() != "text" || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: answer %d %q %v", path, w.Code, w.Body, w.Header())
		}
		got := s.asked[len(s.asked)-1]
		if got.URL.EscapedPath() != want || got.URL.RawQuery != "" || got.Host != "localhost" || got.Header.Get("Authorization") != token || got.Header.Get("X-Mine") != "" {
			t.Errorf("%s: passed on as %s to %s with %v", path, got.URL, got.Host, got.Header)
		}
	}
}

// TestForwardHidesProfiles checks that a container cannot find out which profiles are served, even if a token file is
// damaged.
func TestForwardHidesProfiles(t *testing.T) {
	s := newBackend(t, func(http.ResponseWriter, *http.Request) {})
	var bodies []string
	for _, profile := range []string{"dev", "torn", "other"} {
		bodies = append(bodies, s.ask(httptest.NewRequest(http.MethodGet, server.ContainerPath(profile, "another token"), nil)).Body.String())
	}
	if bodies[0] != bodies[1] || bodies[1] != bodies[2] {
		t.Errorf("the responses differ: %q", bodies)
	}
}

func TestForwardRefuses(t *testing.T) {
	s := newBackend(t, func(http.ResponseWriter, *http.Request) {})
	path := func(profile, token string) string {
		return "http://169.254.170.2" + server.ContainerPath(profile, token)
	}
	for _, tt := range []struct {
		method, url string
		header      string
		status      int
	}{
		{http.MethodGet, "http://169.254.170.2/", "", http.StatusNotFound},
		{http.MethodGet, "http://169.254.170.2/dev", "", http.StatusNotFound},
		{http.MethodGet, "http://169.254.170.2/dev/", "", http.StatusNotFound},
		{http.MethodGet, "http://169.254.170.2/dev/role-arn/arn:aws:iam::123456789012:role/x", "", http.StatusNotFound},
		{http.MethodGet, path("dev", "another token"), "", http.StatusNotFound},
		{http.MethodGet, path("dev", token)[:len(path("dev", token))-1], "", http.StatusNotFound},
		{http.MethodGet, path("other", token), "", http.StatusNotFound},
		{http.MethodGet, path("../outside", token), "", http.StatusNotFound},
		{http.MethodGet, path("..", token), "", http.StatusNotFound},
		{http.MethodGet, path("link", token), "", http.StatusNotFound},
		{http.MethodGet, path("torn", token+"\n"), "", http.StatusNotFound},
		{http.MethodGet, path("empty", ""), "", http.StatusNotFound},
		{http.MethodGet, path("big", strings.Repeat("x", maxToken+1)), "", http.StatusNotFound},
		{http.MethodPost, path("dev", token), "", http.StatusMethodNotAllowed},
		{http.MethodGet, strings.Replace(path("dev", token), "169.254.170.2", "rebound.example", 1), "", http.StatusForbidden},
		{http.MethodGet, path("dev", token), "Origin", http.StatusForbidden},
		{http.MethodGet, path("dev", token), "X-Forwarded-For", http.StatusForbidden},
	} {
		r := httptest.NewRequest(tt.method, tt.url, nil)
		if tt.header != "" {
			r.Header.Set(tt.header, "x")
		}
		if w := s.ask(r); w.Code != tt.status || strings.Contains(w.Body.String(), token) {
			t.Errorf("%s %s %s: answer %d %q, want %d", tt.method, tt.url, tt.header, w.Code, w.Body, tt.status)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("%d requests were passed on", len(s.asked))
	}
}

// Without -allow-role-arn, a container gets the credentials of its profile, but not those of other roles.
func TestForwardRoles(t *testing.T) {
	s := newBackend(t, func(http.ResponseWriter, *http.Request) {})
	tokens, err := os.OpenRoot(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	f := newForward(filepath.Join(s.dir, "..", "serve.sock"), tokens, false)
	url := "http://169.254.170.2" + server.ContainerPath("dev", token)
	for _, tt := range []struct {
		url    string
		status int
	}{{url, http.StatusOK}, {url + "/role-arn/arn:aws:iam::123456789012:role/x", http.StatusForbidden}} {
		w := httptest.NewRecorder()
		if f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.url, nil)); w.Code != tt.status {
			t.Errorf("%s: answer %d %q, want %d", tt.url, w.Code, w.Body, tt.status)
		}
	}
	if len(s.asked) != 1 {
		t.Errorf("%d requests were passed on, want 1", len(s.asked))
	}
}

func TestForwardBadAnswers(t *testing.T) {
	s := newBackend(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, maxAnswer+1)) })
	devURL := "http://169.254.170.2" + server.ContainerPath("dev", token)
	w := s.ask(httptest.NewRequest(http.MethodGet, devURL, nil))
	if w.Code != http.StatusBadGateway {
		t.Errorf("too long an answer is answered with %d", w.Code)
	}
	tokens, err := os.OpenRoot(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	w = httptest.NewRecorder()
	newForward(filepath.Join(s.dir, "none"), tokens, false).ServeHTTP(w, httptest.NewRequest(http.MethodGet, devURL, nil))
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "VaultUnreachable") || strings.Contains(w.Body.String(), token) {
		t.Errorf("no aws-vault is answered with %d %q", w.Code, w.Body)
	}
	if f := newForward("host.docker.internal:9699", tokens, false); f.host != "localhost:9699" {
		t.Errorf("another machine's aws-vault is asked as %s", f.host)
	}
}

func TestCommandLine(t *testing.T) {
	for want, args := range map[int][]string{0: {"-h"}, 1: {"-tokens", filepath.Join(t.TempDir(), "none")}, 2: {"-nonsense"}} {
		if got := run(args); got != want {
			t.Errorf("%v: status %d, want %d", args, got, want)
		}
	}
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	address := strings.TrimPrefix(up.URL, "http://")
	if got := run([]string{"-check", "-listen", address}); got != 0 {
		t.Errorf("a proxy that answers is found to fail: %d", got)
	}
	up.Close()
	if got := run([]string{"-check", "-listen", address}); got != 1 {
		t.Errorf("a proxy that is gone is found to be there: %d", got)
	}
}
