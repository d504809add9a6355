package source

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/peer"
	"aws-vault/vault/plan"
)

// An unprovenSignIn is a sign-in on a system where aws-vault cannot find out which user opened a connection.
type unprovenSignIn struct {
	deps   *Deps
	signIn func() error
	stored func() bool
	shown  *[]string
	user   string // the user who signs in
	to     string
}

// openInBackground opens a page as a browser does and sends the text of the page to the channel words.
func openInBackground(t *testing.T, words chan<- string) func(string) error {
	return func(page string) error {
		path, ok := strings.CutPrefix(page, "file://")
		if !ok {
			t.Errorf("opened %s, want a file URL", page)
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, link, _ := strings.Cut(string(text), `<a href="`)
		link, _, _ = strings.Cut(link, `"`)
		go func() {
			resp, err := http.Get(link)
			if err != nil {
				words <- err.Error()
				return
			}
			defer resp.Body.Close()
			var page strings.Builder
			resp.Write(&page)
			words <- page.String()
		}()
		return nil
	}
}

// unprovenSignIns returns, for each kind of browser sign-in, a function that sets up its test. The text of the last
// page is sent to the channel words.
func unprovenSignIns(words chan<- string) map[string]func(*testing.T) unprovenSignIn {
	anyUser := peer.Check{UID: os.Getuid(), NoTCPOwner: true}
	return map[string]func(*testing.T) unprovenSignIn{
		"Identity Center": func(t *testing.T) unprovenSignIn {
			r := newSSOFixture(t)
			for _, account := range []string{"111111111111", "222222222222", "333333333333", "444444444444", "555555555555", "666666666666"} {
				r.portal.Assign(account, "Dev")
			}
			r.User.UseDevice, r.User.Peers, r.User.OpenBrowser = false, anyUser, openInBackground(t, words)
			s := r.role()
			return unprovenSignIn{r.Deps, func() error {
				_, err := r.SSO(s.Endpoint, r.sso()).SignIn(t.Context())
				return err
			}, func() bool { return r.SSO(plan.Endpoint{}, r.sso()).HasToken(t.Context()) }, &r.shown, "a user of example-111111111111 (111111111111), example-123456789012 (123456789012), ", startURL}
		},
		"OIDC": func(t *testing.T) unprovenSignIn {
			people := alice
			people.Claims = map[string]any{"email": "alice@example.com"}
			r := newOpenIDFixture(t, people)
			r.User.Peers, r.User.OpenBrowser = anyUser, openInBackground(t, words)
			return unprovenSignIn{r.Deps, func() error {
				_, err := r.OpenID(r.to()).SignIn(t.Context())
				return err
			}, func() bool {
				_, stored, err := r.OpenID(r.to()).Stored(t.Context())
				return stored || err != nil
			}, &r.shown, "alice@example.com (alice)", r.issuer.URL()}
		},
		"aws login": func(t *testing.T) unprovenSignIn {
			r := newLoginFixture(t)
			r.User.Peers, r.User.OpenBrowser = anyUser, openInBackground(t, words)
			return unprovenSignIn{r.Deps, func() error {
				_, err := r.AWSLogin(r.login()).SignIn(t.Context(), "", false)
				return err
			}, func() bool { return len(r.ring.Items) > 0 }, &r.shown, r.alice(), r.aws.URL()}
		},
	}
}

// If another user may have signed in, nothing is stored until the user confirms. The browser shows who has
// signed in.
func TestSignInIsConfirmed(t *testing.T) {
	broken := errors.New("broken")
	for _, answer := range []struct {
		name    string
		confirm func(context.Context, string) (bool, error)
		err     error // error that the NotConfirmedError wraps; nil for none
	}{
		{"yes", func(context.Context, string) (bool, error) { return true, nil }, nil},
		{"no", func(context.Context, string) (bool, error) { return false, nil }, nil},
		{"prompt fails", func(context.Context, string) (bool, error) { return true, broken }, broken},
		{"no prompt", nil, errNoUser},
	} {
		words := make(chan string, 1)
		for kind, setUp := range unprovenSignIns(words) {
			t.Run(kind+" "+answer.name, func(t *testing.T) {
				r := setUp(t)
				question := ""
				if r.deps.Confirm = answer.confirm; answer.confirm != nil {
					r.deps.Confirm = func(ctx context.Context, q string) (bool, error) {
						question = q
						if r.stored() {
							t.Error("the sign-in is stored before it is confirmed")
						}
						return answer.confirm(ctx, q)
					}
				}
				err := r.signIn()
				if answer.name == "yes" {
					if err != nil || !r.stored() {
						t.Errorf("stored: %v, error %v", r.stored(), err)
					}
				} else {
					var no *NotConfirmedError
					if !errors.As(err, &no) || no.To != r.to || !strings.Contains(no.User, r.user) || !errors.Is(err, answer.err) && answer.err != nil || r.stored() {
						t.Errorf("stored: %v, error %v", r.stored(), err)
					}
				}
				if answer.confirm != nil && !strings.Contains(question, "Signed in to "+r.to+" as "+r.user) {
					t.Errorf("the question is %q", question)
				}
				if page := <-words; !strings.Contains(page, "Signed in as "+r.user) {
					t.Errorf("the browser shows %s", page)
				}
			})
		}
	}
}

// If the owner of a connection is unknown, a refusal that arrives over the connection does not end the sign-in,
// because another user may have sent the refusal.
func TestRefusalOfUnknownUser(t *testing.T) {
	words := make(chan string, 1)
	for kind, setUp := range unprovenSignIns(words) {
		t.Run(kind, func(t *testing.T) {
			r := setUp(t)
			opens := r.deps.User.OpenBrowser
			r.deps.User.OpenBrowser = func(page string) error {
				_, shown, _ := strings.Cut((*r.shown)[0], ", or open ")
				if status := refuse(t, shown); status != http.StatusOK {
					t.Errorf("the refusal got status %d, want 200", status)
				}
				return opens(page)
			}
			r.deps.Confirm = func(context.Context, string) (bool, error) { return true, nil }
			if err := r.signIn(); err != nil || !r.stored() {
				t.Errorf("stored: %v, error %v", r.stored(), err)
			}
			<-words
			if len(*r.shown) != 2 || !strings.Contains((*r.shown)[1], ". Another user of this machine may have sent this response. If you refused the sign-in, press Ctrl-C") {
				t.Errorf("the messages are %q", *r.shown)
			}
		})
	}
}

// A user who was already signed in need not confirm.
func TestSameUserIsNotConfirmed(t *testing.T) {
	people := alice
	people.NoRefresh = true
	r := newOpenIDFixture(t, people)
	words := make(chan string, 2)
	r.User.Peers, r.User.OpenBrowser = peer.Check{UID: os.Getuid(), NoTCPOwner: true}, openInBackground(t, words)
	asked := 0
	r.Confirm = func(context.Context, string) (bool, error) { asked++; return true, nil }
	for range 2 {
		r.signIn()
		r.aws.Advance(2 * time.Hour)
	}
	if asked != 1 {
		t.Errorf("%d prompts, want 1", asked)
	}
	l := newLoginFixture(t)
	l.User.Peers, l.User.OpenBrowser = r.User.Peers, openInBackground(t, words)
	l.Confirm = func(context.Context, string) (bool, error) { asked++; return true, nil }
	l.signIn(false) // signs in as alice; the profile expects alice, so no confirmation is needed
	if asked != 1 {
		t.Errorf("%d prompts, want 1", asked)
	}
}

// refuse calls a sign-in's callback as a browser does after the user refused.
func refuse(t *testing.T, page string) int {
	t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	resp, err := http.Get(q.Get("redirect_uri") + "?" + url.Values{"state": {q.Get("state")}, "error": {"access_denied"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
