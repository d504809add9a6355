package signin

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"aws-vault/vault/peer"
)

const state = "EXAMPLE-state"

func listen(t *testing.T) *Callback {
	t.Helper()
	c, err := Listen(state, CallbackOptions{Peers: peer.ThisUser()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sendRequest sends a redirect request, as a browser does, and returns the status and the page. Before the request
// is sent, the function change may modify it.
func sendRequest(t *testing.T, c *Callback, query url.Values, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, c.Redirect()+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'"} {
		if got := resp.Header.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return resp.StatusCode, string(page)
}

func code(code string) url.Values { return url.Values{"code": {code}, "state": {state}} }

func TestCallbackAcceptsOneAnswer(t *testing.T) {
	c := listen(t)
	if !strings.HasPrefix(c.Redirect(), "http://127.0.0.1:") || !strings.HasSuffix(c.Redirect(), "/oauth/callback") {
		t.Errorf("the redirect is %s", c.Redirect())
	}
	if status, page := sendRequest(t, c, code("EXAMPLE-code"), nil); status != http.StatusOK || !strings.Contains(page, "Go back to your terminal") || strings.Contains(page, "EXAMPLE") {
		t.Errorf("got status %d, page %s", status, page)
	}
	if status, _ := sendRequest(t, c, code("another"), nil); status != http.StatusGone {
		t.Errorf("a second redirect got status %d", status)
	}
	if got, err := c.Wait(t.Context()); got.Code != "EXAMPLE-code" || got.PeerVerified != peer.ThisUser().CanIdentify("tcp") || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The callback rejects every request that is not the redirect, and keeps waiting.
func TestCallbackRejectsOtherRequests(t *testing.T) {
	c := listen(t)
	for _, s := range []struct {
		name   string
		query  url.Values
		change func(*http.Request)
		want   int
	}{
		{"another state", url.Values{"code": {"evil"}, "state": {"another"}}, nil, http.StatusBadRequest},
		{"no state", url.Values{"code": {"evil"}}, nil, http.StatusBadRequest},
		{"an error without the state", url.Values{"error": {"access_denied"}}, nil, http.StatusBadRequest},
		{"another host", code("evil"), func(r *http.Request) { r.Host = "evil.example.com" }, http.StatusMisdirectedRequest},
		{"localhost", code("evil"), func(r *http.Request) { r.Host = strings.Replace(r.Host, "127.0.0.1", "localhost", 1) }, http.StatusMisdirectedRequest},
		{"another path", code("evil"), func(r *http.Request) { r.URL.Path = "/" }, http.StatusNotFound},
		{"POST", code("evil"), func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
		{"a script of a page", code("evil"), func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden},
		{"an image of a page", code("evil"), func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "no-cors") }, http.StatusForbidden},
	} {
		if status, page := sendRequest(t, c, s.query, s.change); status != s.want || strings.Contains(page, "evil") {
			t.Errorf("%s: got status %d, page %s, want status %d", s.name, status, page, s.want)
		}
	}
	if status, _ := sendRequest(t, c, code("EXAMPLE-code"), nil); status != http.StatusOK {
		t.Errorf("the right redirect got status %d", status)
	}
	if got, err := c.Wait(t.Context()); got.Code != "EXAMPLE-code" || got.PeerVerified != peer.ThisUser().CanIdentify("tcp") || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCallbackLimitsRequestSize(t *testing.T) {
	c := listen(t)
	r, err := http.NewRequest(http.MethodGet, c.Redirect(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 1<<20))
	resp, err := http.DefaultClient.Do(r)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("got status %s", resp.Status)
		}
	}
}

func TestCallbackRefusal(t *testing.T) {
	requirePeerCheck(t)
	for _, s := range []struct {
		query url.Values
		want  string
	}{
		{url.Values{"error": {"access_denied"}, "code": {"evil"}}, ErrDenied.Error()},
		{url.Values{"error": {"server_error"}, "error_description": {"a\nb" + strings.Repeat("x", 300)}}, "the sign-in page returned server_error (a b" + strings.Repeat("x", 197) + "), expected a code"},
		{url.Values{"error": {"invalid_scope"}}, "the sign-in page returned invalid_scope, expected a code"},
		{url.Values{}, errNoCode.Error()},
	} {
		c := listen(t)
		s.query.Set("state", state)
		if status, page := sendRequest(t, c, s.query, nil); status != http.StatusOK || !strings.Contains(page, "not signed in") {
			t.Errorf("got status %d, page %s", status, page)
		}
		if _, err := c.Wait(t.Context()); err == nil || err.Error() != s.want {
			t.Errorf("got %v, want %s", err, s.want)
		}
	}
}

func TestCallbackWaitIsCanceled(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(interrupted)
	if _, err := listen(t).Wait(ctx); !errors.Is(err, interrupted) {
		t.Errorf("got %v", err)
	}
}

// requirePeerCheck skips a test on systems where the owner of a connection is unknown. On those systems, a refusal does
// not end the wait.
func requirePeerCheck(t *testing.T) {
	t.Helper()
	if !peer.ThisUser().CanIdentify("tcp") {
		t.Skip("the owner of a connection is unknown on this system")
	}
}

// anyUser returns a peer check that simulates a system where the owner of a connection is unknown.
func anyUser() peer.Check { return peer.Check{UID: os.Getuid(), NoTCPOwner: true} }

// TestCallbackIgnoresUnverifiedRefusals checks that a refusal does not end the wait if the owner of the connection
// is unknown. Only the first such refusal is reported.
func TestCallbackIgnoresUnverifiedRefusals(t *testing.T) {
	var reported []error
	at := CallbackOptions{Peers: anyUser(), Issuer: "https://id.example.com", OnRefusal: func(err error) { reported = append(reported, err) }}
	c, err := Listen(state, at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	iss := url.Values{"state": {state}, "iss": {at.Issuer}}
	with := func(name, value string) url.Values {
		q := maps.Clone(iss)
		q.Set(name, value)
		return q
	}
	for _, q := range []url.Values{with("error", "access_denied"), with("error", "server_error"), iss, code("from another provider")} {
		if status, page := sendRequest(t, c, q, nil); status != http.StatusOK || !strings.Contains(page, "press Ctrl-C") {
			t.Errorf("%v: got status %d, page %s", q, status, page)
		}
	}
	if len(reported) != 1 || !errors.Is(reported[0], ErrDenied) {
		t.Errorf("reported %v", reported)
	}
	late, stop := context.WithCancelCause(t.Context())
	stop(errNoAnswer)
	if _, err := c.Wait(late); !errors.Is(err, ErrDenied) || !errors.Is(err, ErrTimeout) || !NotCompleted(err) {
		t.Errorf("error without another redirect: %v", err)
	}
	shown := make(chan string)
	go func() {
		_, page := sendRequest(t, c, with("code", "EXAMPLE-code"), nil)
		shown <- page
	}()
	a, err := c.Wait(t.Context())
	if err != nil || a.Code != "EXAMPLE-code" || a.PeerVerified {
		t.Errorf("got %+v, %v", a, err)
	}
	a.user <- "alice"
	if page := <-shown; !strings.Contains(page, "Signed in as alice") {
		t.Errorf("the page is %s", page)
	}
}
