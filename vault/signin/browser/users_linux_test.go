package browser

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/peer"
)

// A request from another user is rejected, even if that user knows the address. The user's own request is then
// redirected.
func TestPageOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip(fakeaws.ErrNotRoot)
	}
	const alice, mallory = 12345, 54321
	var refused []string
	p, err := Serve(secret, Choice{}, peer.Check{UID: alice, Refused: func(err error) { refused = append(refused, err.Error()) }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	get := func(uid int) *http.Response {
		t.Helper()
		dial := func(context.Context, string, string) (net.Conn, error) {
			return fakeaws.DialAs(uid, "tcp", p.listener.Addr().String())
		}
		resp, err := (&http.Transport{DialContext: dial, DisableKeepAlives: true}).RoundTrip(request(t, p.URL()))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	for range 3 {
		if resp := get(mallory); resp.StatusCode != http.StatusForbidden || resp.Header.Get("Location") != "" {
			t.Errorf("another user got %s, %v", resp.Status, resp.Header)
		}
	}
	if err := p.Wait(t.Context(), time.Nanosecond); err != ErrNotOpened {
		t.Errorf("the request of another user ended the wait: %v", err)
	}
	if resp := get(alice); resp.Header.Get("Location") != secret {
		t.Errorf("the user's browser gets status %s, want a redirect", resp.Status)
	}
	if len(refused) != 3 || !strings.Contains(refused[0], "user 54321") {
		t.Errorf("reported %q", refused)
	}
}

func request(t *testing.T, page string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
