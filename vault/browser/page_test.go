package browser

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/peer"
)

const secret = "https://signin.example.com/?SigninToken=EXAMPLE"

func lead(t *testing.T) *Page {
	t.Helper()
	p, err := Lead(secret, peer.ThisUser())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func ask(t *testing.T, p *Page, change func(*http.Request)) (status int, to, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL(), nil)
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

// Strangers learn nothing and use nothing up; then the browser is sent on, once.
func TestPageLeadsOnce(t *testing.T) {
	p := lead(t)
	if strings.Contains(p.URL(), "EXAMPLE") || !strings.HasPrefix(p.URL(), "http://127.0.0.1:") {
		t.Errorf("the address is %s", p.URL())
	}
	for name, change := range map[string]func(*http.Request){
		"another host":   func(r *http.Request) { r.Host = "evil.example.com" },
		"another path":   func(r *http.Request) { r.URL.Path = "/" },
		"another page":   func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") },
		"an image":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "no-cors") },
		"another method": func(r *http.Request) { r.Method = http.MethodPost },
		"a look ahead":   func(r *http.Request) { r.Method = http.MethodHead },
	} {
		if status, to, body := ask(t, p, change); status < 400 || to != "" || strings.Contains(body, "EXAMPLE") {
			t.Errorf("%s: status %d, to %q: %s", name, status, to, body)
		}
	}
	if status, to, _ := ask(t, p, func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "navigate") }); status != http.StatusFound || to != secret {
		t.Errorf("status %d, to %q", status, to)
	}
	if err := p.Wait(t.Context(), time.Minute); err != nil {
		t.Errorf("waiting: %v", err)
	}
	if status, to, _ := ask(t, p, nil); status != http.StatusGone || to != "" {
		t.Errorf("the second time: status %d, to %q", status, to)
	}
}

func TestPageNobodyAsksFor(t *testing.T) {
	p := lead(t)
	if err := p.Wait(t.Context(), 0); !errors.Is(err, ErrNobodyCame) {
		t.Errorf("got %v", err)
	}
	gone := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if err := p.Wait(ctx, time.Minute); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
