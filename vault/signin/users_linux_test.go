package signin

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/peer"
)

// Another user of the machine can neither complete nor end a sign-in, even with all secrets of the sign-in.
func TestCallbackOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip(fakeaws.ErrNotRoot)
	}
	const alice, mallory = 12345, 54321
	var refused []string
	peers := peer.Check{UID: alice, Refused: func(err error) { refused = append(refused, err.Error()) }}
	c, err := Listen(state, CallbackOptions{Peers: peers, OnRefusal: func(err error) { t.Errorf("reported %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	get := func(uid int, q url.Values) int {
		t.Helper()
		dial := func(context.Context, string, string) (net.Conn, error) {
			return fakeaws.DialAs(uid, "tcp", c.listener.Addr().String())
		}
		client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
		resp, err := client.Get(c.Redirect() + "?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, q := range []url.Values{code("his"), {"error": {"access_denied"}, "state": {state}}, {"state": {state}}} {
		if status := get(mallory, q); status != http.StatusForbidden {
			t.Errorf("%v: got status %d", q, status)
		}
	}
	if status := get(alice, code("hers")); status != http.StatusOK {
		t.Errorf("the user's browser got status %d", status)
	}
	if a, err := c.Wait(t.Context()); a.Code != "hers" || !a.PeerVerified || err != nil {
		t.Errorf("got %+v, %v", a, err)
	}
	if len(refused) != 3 || !strings.Contains(refused[0], "user 54321") {
		t.Errorf("reported %q", refused)
	}
}
