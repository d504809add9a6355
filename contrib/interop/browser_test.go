//go:build interop && linux

package interop

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/peer"
	"aws-vault/vault/signin/browser"
)

const startURL = "https://corp.awsapps.com/start"

// newPortal creates a world with an access portal and two profiles. Profile dev signs in through an sso-session
// section. Profile inline has the same settings in the profile itself.
func newPortal(t *testing.T) (*world, *fakeaws.SSO) {
	t.Helper()
	w := newWorld(t, "file", passphrase)
	portal := w.aws.AddSSO(startURL, "eu-west-1")
	portal.Assign("123456789012", "Dev")
	w.write(filepath.Join(".aws", "config"), `[sso-session corp]
sso_start_url           = `+startURL+`
sso_region              = eu-west-1
sso_registration_scopes = sso:account:access

[profile dev]
region         = eu-west-1
sso_session    = corp
sso_account_id = 123456789012
sso_role_name  = Dev

[profile inline]
region         = eu-west-1
sso_start_url  = `+startURL+`
sso_region     = eu-west-1
sso_account_id = 123456789012
sso_role_name  = Dev
`)
	return w, portal
}

// leads matches the address of a local page that redirects the browser to the sign-in page. aws-vault serves the
// page only once.
var leads = regexp.MustCompile(`^http://127\.0\.0\.1:\d+/[A-Z2-7]{26}$`)

// browsed checks that the browser was opened once, with the address of a local page that redirects. It also checks
// that the last page of the sign-in contains the text in the argument words.
func (w *world) browsed(words string) {
	w.t.Helper()
	w.alone() // waits for the browser, which exits later than the program that opened it
	pages := strings.Fields(w.read(openedFile))
	if len(pages) != 1 || !leads.MatchString(pages[0]) {
		w.t.Errorf("the browser was opened on %q, want one page that redirects", pages)
	}
	if shown := w.read(shownFile); !strings.Contains(shown, words) {
		w.t.Errorf("the browser shows %q, want %q", shown, words)
	}
}

// forgery is the script of an attacker's web page that knows all parameters of a sign-in. The script sends a
// refusal to the callback and ignores the response.
const forgery = `(() => {
	const asked = new URLSearchParams(location.search);
	const answer = new URLSearchParams({ error: "access_denied", state: asked.get("state") });
	return fetch(asked.get("redirect_uri") + "?" + answer, { mode: "no-cors" }).then(() => "sent");
})()`

// TestBrowser signs in with Chromium. The test only presses buttons through the DevTools protocol. In one case it
// also runs the JavaScript in the constant forgery. Chromium itself follows the redirects to the callback, sends a
// browser's headers, and displays the last page.
func TestBrowser(t *testing.T) {
	allowed := "Go back to your terminal"
	register, authorize, token := "RegisterClient", "Authorize", "CreateToken grant=authorization_code"

	t.Run("a person allows it", func(t *testing.T) {
		w, _ := newPortal(t)
		w.desktop(person{Press: "approve"})
		if out := w.vault("sso", "login", "corp"); !strings.HasPrefix(out, "Signed in to corp ("+startURL+")") {
			t.Errorf("it prints %q", out)
		}
		w.browsed(allowed)
		w.calls(register, authorize, authorize, token)

		w.vault("sso", "login", "corp")
		w.vault("exec", "dev", "--", "true")
		w.browsed(allowed)
		w.calls(roleCall)
	})

	t.Run("the portal asks nobody", func(t *testing.T) {
		w, portal := newPortal(t)
		portal.AutoApprove(true)
		w.desktop(person{})
		w.vault("exec", "dev", "--", "true")
		w.browsed(allowed)
		w.calls(register, authorize, token, roleCall)

		w.vault("exec", "dev", "--", "true")
		w.browsed(allowed)
		w.calls()
	})

	t.Run("AWS has its own names", func(t *testing.T) {
		w, portal, p := newOffice(t)
		portal.AutoApprove(false)
		w.desktop(person{Press: "approve", Flags: []string{"--proxy-server=" + p.url, "--ignore-certificate-errors-spki-list=" + p.pin()}})
		w.vault("exec", "dev", "--", "true")
		w.browsed(allowed)
		w.calls(register, authorize, authorize, token, roleCall)
		if hosts := p.asked(); !slices.Contains(hosts, oidcHost) || !slices.Contains(hosts, portalHost) {
			t.Errorf("only %q were asked for", hosts)
		}
	})

	t.Run("a page answers in the person's place", func(t *testing.T) {
		w, _ := newPortal(t)
		w.desktop(person{Press: "approve", Script: forgery})
		w.vault("exec", "dev", "--", "true")
		w.browsed(allowed)
		w.calls(register, authorize, authorize, token, roleCall)
	})

	t.Run("a person denies it", func(t *testing.T) {
		w, _ := newPortal(t)
		w.desktop(person{Press: "deny"})
		if out := w.fails("sso", "login", "corp"); !strings.Contains(out, "the sign-in was refused in the browser") {
			t.Errorf("it prints %q", out)
		}
		w.browsed("You are not signed in")
		w.calls(register, authorize, authorize)
		if sessions := strings.Fields(w.vault("list", "--sessions")); slices.Contains(sessions, "sso:corp") {
			t.Errorf("sessions are still stored: %q", sessions)
		}
	})
}

// If the system does not report which user opens a connection, the browser opens a local file that redirects. The page
// to which the file redirects must not learn the file's name.
func TestBrowserOpensFile(t *testing.T) {
	end := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "came from "+strconv.Quote(r.Referer()))
	}))
	defer end.Close()
	p, err := browser.Serve(end.URL+"/?SigninToken=EXAMPLE", browser.Choice{}, peer.Check{UID: os.Getuid(), NoTCPOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if !strings.HasPrefix(p.URL(), "file:///") {
		t.Fatalf("the browser is given %s", p.URL())
	}
	c, err := startChromium(t.Context(), filepath.Join(newHome(t), "chromium"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := c.visit(p.URL()); err != nil {
		t.Fatal(err)
	}
	var words string
	if err := c.until(`location.search && document.readyState == "complete" ? document.body.innerText : null`, &words); err != nil {
		t.Fatal(err)
	}
	if words != `came from ""` {
		t.Errorf("the browser shows %q", words)
	}
	if err := p.Wait(t.Context(), time.Minute); err != nil {
		t.Error(err)
	}
}
