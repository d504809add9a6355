package browser

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/peer"
)

const secret = "https://signin.example.com/?SigninToken=EXAMPLE"

func serve(t *testing.T) *Page {
	t.Helper()
	p, err := Serve(secret, Choice{}, peer.ThisUser())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func sendRequest(t *testing.T, p *Page, change func(*http.Request)) (status int, to, body string) {
	t.Helper()
	return sendRequestTo(t, p.URL(), change)
}

func sendRequestTo(t *testing.T, page string, change func(*http.Request)) (status int, to, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(text)
}

// TestPageRedirectsOnce checks that an invalid request gets no redirect. A valid request after it is still
// redirected, but only once.
func TestPageRedirectsOnce(t *testing.T) {
	p := serve(t)
	if strings.Contains(p.URL(), "EXAMPLE") || !strings.HasPrefix(p.URL(), "http://127.0.0.1:") {
		t.Errorf("the URL is %s", p.URL())
	}
	for name, change := range map[string]func(*http.Request){
		"another host":   func(r *http.Request) { r.Host = "evil.example.com" },
		"another path":   func(r *http.Request) { r.URL.Path = "/" },
		"another page":   func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") },
		"an image":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "no-cors") },
		"another method": func(r *http.Request) { r.Method = http.MethodPost },
		"HEAD":           func(r *http.Request) { r.Method = http.MethodHead },
	} {
		if status, to, body := sendRequest(t, p, change); status < 400 || to != "" || strings.Contains(body, "EXAMPLE") {
			t.Errorf("%s: status %d, redirect to %q: %s", name, status, to, body)
		}
	}
	if status, to, _ := sendRequest(t, p, func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "navigate") }); status != http.StatusFound || to != secret {
		t.Errorf("status %d, redirect to %q", status, to)
	}
	if err := p.Wait(t.Context(), time.Minute); err != nil {
		t.Errorf("Wait: %v", err)
	}
	if status, to, _ := sendRequest(t, p, nil); status != http.StatusGone || to != "" {
		t.Errorf("second request: status %d, redirect to %q", status, to)
	}
}

func TestPageNotOpened(t *testing.T) {
	p := serve(t)
	if err := p.Wait(t.Context(), 0); !errors.Is(err, ErrNotOpened) {
		t.Errorf("got %v", err)
	}
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted)
	if err := p.Wait(ctx, time.Minute); !errors.Is(err, interrupted) {
		t.Errorf("got %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// On systems where the owner of a connection is unknown, the browser opens a file that only this user can read.
func TestPageInFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p, err := Serve(secret, Choice{}, peer.Check{UID: os.Getuid(), NoTCPOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	path, ok := strings.CutPrefix(p.URL(), "file://")
	if !ok || strings.Contains(p.URL(), p.path) {
		t.Fatalf("the URL is %s", p.URL())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`content="0; url=` + p.address() + `"`, `href="` + p.address() + `"`, `content="no-referrer"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the page does not contain %s:\n%s", part, text)
		}
	}
	if strings.Contains(string(text), "EXAMPLE") {
		t.Errorf("the page contains a secret:\n%s", text)
	}
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
	if status, _, _ := sendRequestTo(t, p.address()+"x", nil); status != http.StatusNotFound {
		t.Errorf("another path: status %d, want 404", status)
	}
	if status, to, _ := sendRequestTo(t, p.address(), nil); status != http.StatusFound || to != secret {
		t.Errorf("status %d, redirect to %q", status, to)
	}
	p.Close()
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was not removed: %v", err)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if _, err := Serve(secret, Choice{}, peer.Check{NoTCPOwner: true}); runtime.GOOS != "windows" && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a temporary folder: %v", err)
	}
}

func TestFileURL(t *testing.T) {
	for path, want := range map[string]string{"/tmp/a b/x": "file:///tmp/a%20b/x", "C:/Users/a/x": "file:///C:/Users/a/x"} {
		if got := fileURL(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestLink checks that the link to a page opens the page in the chosen Firefox container. The link to a file does
// not change.
func TestLink(t *testing.T) {
	const page, file = "http://127.0.0.1:1/X", "file:///x"
	for _, tt := range []struct {
		choice     Choice
		page, file string
	}{
		{Choice{}, page, file},
		{Choice{Name: Private}, page, file},
		{Choice{"chromium", "Work"}, page, file},
		{Choice{"firefox", ""}, page, file},
		{Choice{"firefox", "x"}, "ext+container:name=x&url=http%3A%2F%2F127.0.0.1%3A1%2FX", file},
	} {
		if tt.choice.pageLink(page) != tt.page || tt.choice.pageLink(file) != tt.file {
			t.Errorf("%+v: %s, %s", tt.choice, tt.choice.pageLink(page), tt.choice.pageLink(file))
		}
	}
}
