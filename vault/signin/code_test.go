package signin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"aws-vault/vault/peer"
)

func TestProof(t *testing.T) {
	a, b := NewProof(), NewProof()
	if a.Verifier == b.Verifier || a.State == b.State || a.State == a.Verifier {
		t.Error("two proofs have the same secret, or a proof uses one secret twice")
	}
	sum := sha256.Sum256([]byte(a.Verifier))
	if a.Challenge != base64.RawURLEncoding.EncodeToString(sum[:]) || len(a.Verifier) != 43 {
		t.Errorf("the proof is %+v", a)
	}
}

func TestWithBrowser(t *testing.T) {
	var proof Proof
	var redirect string
	var got Grant
	refused := errors.New("refused")
	err := WithBrowser(t.Context(), CallbackOptions{Peers: peer.ThisUser()}, func(p Proof, r string) string {
		proof, redirect = p, r
		return "https://example.com/authorize"
	}, func(page string) error {
		if page != "https://example.com/authorize" {
			t.Errorf("the page is %s", page)
		}
		go http.Get(redirect + "?" + url.Values{"code": {"EXAMPLE-code"}, "state": {proof.State}}.Encode())
		return nil
	}, func(g Grant) error {
		got = g
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	got.user = nil
	if want := (Grant{Code: "EXAMPLE-code", Verifier: proof.Verifier, Redirect: redirect, Nonce: proof.Nonce, PeerVerified: peer.ThisUser().CanIdentify("tcp")}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if u, err := url.Parse(redirect); err != nil {
		t.Error(err)
	} else if conn, err := net.Dial("tcp", u.Host); err == nil {
		conn.Close()
		t.Error("the server is still listening")
	}
}

// TestWithBrowserUnverifiedPeer checks what the browser shows if the owner of the connection is unknown: who has
// signed in, or that the user is not signed in.
func TestWithBrowserUnverifiedPeer(t *testing.T) {
	failed := errors.New("failed")
	for _, tt := range []struct {
		user string // user that the browser shows; empty if the code cannot be exchanged
		want error
		page string
	}{
		{"alice & co", nil, "Signed in as alice &amp; co."},
		{"alice", failed, "Signed in as alice."},
		{"", failed, "You are not signed in"},
	} {
		shown := make(chan string, 1)
		var address string
		err := WithBrowser(t.Context(), CallbackOptions{Peers: anyUser()}, func(p Proof, redirect string) string {
			return redirect + "?" + url.Values{"code": {"EXAMPLE-code"}, "state": {p.State}}.Encode()
		}, func(page string) error {
			address = page
			go func() {
				text := ""
				if resp, err := http.Get(address); err == nil {
					body, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					text = string(body)
				}
				shown <- text
			}()
			return nil
		}, func(g Grant) error {
			if g.PeerVerified {
				t.Error("PeerVerified is true, though the browser's user is unknown")
			}
			if tt.user != "" {
				g.ShowUser(tt.user)
				g.ShowUser("another") // only the first call has an effect
			}
			return tt.want
		})
		if page := <-shown; !errors.Is(err, tt.want) || !strings.Contains(page, tt.page) {
			t.Errorf("%q: error %v, page %s", tt.user, err, page)
		}
	}
	Grant{}.ShowUser("nobody") // does nothing without a browser
}

func TestWithBrowserShowFails(t *testing.T) {
	broken := errors.New("broken")
	use := func(Grant) error { return errors.New("used") }
	if err := WithBrowser(t.Context(), CallbackOptions{Peers: peer.ThisUser()}, func(Proof, string) string { return "" }, func(string) error { return broken }, use); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestWithBrowserTimeout calls only Wait, not WithBrowser. The reason is that the clock of a synctest bubble does
// not advance while a goroutine waits for a network connection.
func TestWithBrowserTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Callback{answers: make(chan Answer)}
		ctx, cancel := context.WithTimeoutCause(t.Context(), Timeout, errNoAnswer)
		defer cancel()
		if _, err := c.Wait(ctx); !errors.Is(err, ErrTimeout) || !NotCompleted(err) || err.Error() != "the sign-in was not completed in time: no response within 10m0s" {
			t.Errorf("got %v", err)
		}
	})
}
