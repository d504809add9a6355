//go:build interop && linux

package interop

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aws-vault/vault/vaulttest"
)

const startURL = "https://corp.awsapps.com/start"

// newPortal makes a world whose profiles sign in to a portal: dev by a session, and inline by
// settings of its own.
func newPortal(t *testing.T) (*world, *vaulttest.SSO) {
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

// desktop gives the world a desktop, where xdg-open is a person with Chromium who presses the
// button with this value, or who finds nothing to press.
func (w *world) desktop(button string) {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	bin := filepath.Join(w.home, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "xdg-open")); err != nil {
		w.t.Fatal(err)
	}
	if button == "" {
		button = " " // set, or the binary would run its tests
	}
	w.env = append(w.env, "DISPLAY=:0", "PATH="+bin+":"+os.Getenv("PATH"), pressVariable+"="+button)
}

// browsed checks that the browser was opened once, on a page of the world's AWS, and that
// what it came to says what to do.
func (w *world) browsed(words string) {
	w.t.Helper()
	w.alone() // the browser ends after the program that opened it
	pages := strings.Fields(w.read(openedFile))
	if len(pages) != 1 || !strings.HasPrefix(pages[0], w.aws.URL()+"/authorize?") {
		w.t.Errorf("the browser was opened on %q, want one page of %s", pages, w.aws.URL())
	}
	if shown := w.read(shownFile); !strings.Contains(shown, words) {
		w.t.Errorf("the browser shows %q, want %q", shown, words)
	}
}

// TestBrowser signs in with a Chromium whose one page is steered by its DevTools protocol. What
// it does itself is all else: it follows the redirects to the callback, with the headers that
// a browser sends, and shows the page that it is answered with.
func TestBrowser(t *testing.T) {
	allowed := "Go back to your terminal"
	register, authorize, token := "RegisterClient", "Authorize", "CreateToken grant=authorization_code"
	credentials := "GetRoleCredentials account=123456789012 role=Dev"

	t.Run("a person allows it", func(t *testing.T) {
		w, _ := newPortal(t)
		w.desktop("approve")
		if out := w.vault("sso", "login", "corp"); !strings.HasPrefix(out, "Signed in to corp ("+startURL+")") {
			t.Errorf("it prints %q", out)
		}
		w.browsed(allowed)
		w.calls(register, authorize, authorize, token)

		w.vault("sso", "login", "corp")
		w.vault("exec", "dev", "--", "true")
		w.browsed(allowed)
		w.calls(credentials)
	})

	t.Run("the portal asks nobody", func(t *testing.T) {
		w, portal := newPortal(t)
		portal.AutoApprove(true)
		w.desktop("")
		w.vault("exec", "dev", "--", "true")
		w.browsed(allowed)
		w.calls(register, authorize, token, credentials)

		w.vault("exec", "dev", "--", "true")
		w.browsed(allowed)
		w.calls()
	})

	t.Run("a person denies it", func(t *testing.T) {
		w, _ := newPortal(t)
		w.desktop("deny")
		if out := w.fails("sso", "login", "corp"); !strings.Contains(out, "the sign-in was refused in the browser") {
			t.Errorf("it prints %q", out)
		}
		w.browsed("You are not signed in")
		w.calls(register, authorize, authorize)
		if sessions := strings.Fields(w.vault("list", "--sessions")); slices.Contains(sessions, "sso:corp") {
			t.Errorf("it keeps %q", sessions)
		}
	})
}
