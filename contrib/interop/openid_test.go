//go:build interop && linux

package interop

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
)

// An openIDProvider is the npm package oidc-provider, which runs in its own process.
type openIDProvider struct {
	t      *testing.T
	issuer string
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

// startProvider starts a provider that stores nothing on disk. provider.mjs reads the settings.
func startProvider(t *testing.T, settings map[string]any) *openIDProvider {
	t.Helper()
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("node", filepath.Join(os.Getenv(modulesVariable), "provider.mjs"), string(text))
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_ENV=test"}
	p := &openIDProvider{t: t}
	if p.stdin, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stdin.Close() // the provider exits when its stdin is closed
		c.Wait()
	})
	p.stdout = bufio.NewReader(out)
	p.issuer = p.line()
	return p
}

func (p *openIDProvider) line() string {
	p.t.Helper()
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// rotate replaces the provider's keys with new keys.
func (p *openIDProvider) rotate() {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, "rotate\n"); err != nil {
		p.t.Fatal(err)
	}
	if got := p.line(); got != "rotated" {
		p.t.Fatalf("it says %q", got)
	}
}

// These JavaScript expressions imitate what the user does on the provider's pages.
const (
	enters   = `(() => { const f = document.querySelector('input[name=login]')?.form; if (!f) return null; f.login.value = 'alice'; f.password.value = 'example'; f.querySelector('button').click(); return true })()`
	consents = `(() => { const f = document.querySelector('input[name=prompt][value=consent]')?.form; if (!f) return null; f.querySelector('button').click(); return true })()`
	refuses  = `(() => { if (!document.querySelector('input[name=prompt][value=consent]')) return null; const a = document.querySelector('a[href$="/abort"]'); a.click(); return true })()`
	confirms = `(() => { const f = document.getElementById('op.deviceConfirmForm'); if (!f) return null; document.querySelector('button[form="op.deviceConfirmForm"][autofocus]').click(); return true })()`
)

// apart contains the Chromium flags that allow only connections to this machine. Without these flags, the
// provider's pages would request a font from the internet.
var apart = []string{"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"}

// newOrganisation creates a world and an OIDC provider. The account has two roles, dev and ops, and both trust the
// provider for tokens with the given audience. The text in the argument extra is added to the oidc-session
// section.
func newOrganisation(t *testing.T, settings map[string]any, audience, extra string) (*world, *openIDProvider) {
	t.Helper()
	w := newWorld(t, "file", passphrase)
	p := startProvider(t, settings)
	arn := w.aws.AddProvider("123456789012", p.issuer, []string{audience}, nil)
	for _, role := range []string{"dev", "ops"} {
		w.aws.AddRole("arn:aws:iam::123456789012:role/"+role, fakeaws.Role{Trusts: []string{arn}, Subjects: []string{"alice"}, SessionNameIsSubject: true})
	}
	w.write(filepath.Join(".aws", "config"), `[oidc-session corp]
oidc_issuer    = `+p.issuer+`
oidc_client_id = aws-vault
`+extra+`
[default]
region = eu-west-1

[profile dev]
oidc_session = corp
role_arn     = arn:aws:iam::123456789012:role/dev

[profile ops]
oidc_session = corp
role_arn     = arn:aws:iam::123456789012:role/ops
`)
	return w, p
}

const (
	devCall = "AssumeRoleWithWebIdentity arn:aws:iam::123456789012:role/dev duration=3600 session=alice"
	opsCall = "AssumeRoleWithWebIdentity arn:aws:iam::123456789012:role/ops duration=3600 session=alice"
)

// TestOpenIDByBrowser signs in with an authorization code and PKCE, once for each kind of OIDC client.
func TestOpenIDByBrowser(t *testing.T) {
	for name, settings := range map[string]map[string]any{
		"ES256": {"algorithm": "ES256"}, "RS256": {"algorithm": "RS256"}, "client secret": {"secret": "EXAMPLE-client-secret-of-enough-bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := newOrganisation(t, settings, "aws-vault", "")
			w.desktop(person{Steps: []string{enters, consents}, Flags: apart})
			if secret, ok := settings["secret"].(string); ok {
				w.input(secret+"\n", w.program, "oidc", "login", "--client-secret-stdin", "corp")
			}
			w.vault("exec", "dev", "--", "true")
			w.vault("exec", "ops", "--", "true")
			w.calls(devCall, opsCall)
			w.alone() // waits for the browser, which exits later than the program that opened it
			if words := w.read(shownFile); !strings.Contains(words, "Go back to your terminal") {
				t.Errorf("the browser shows %q", words)
			}
			if pages := strings.Fields(w.read(openedFile)); len(pages) != 1 || strings.Contains(pages[0], "state=") || strings.HasPrefix(pages[0], p.issuer) {
				t.Errorf("opened %q", pages)
			}
			if status := w.vault("oidc", "status"); !strings.Contains(status, "alice") {
				t.Errorf("status is %s", status)
			}
		})
	}
}

// TestOpenIDByDevice signs in with the device flow. Chromium is the other device, on which the user types the code.
func TestOpenIDByDevice(t *testing.T) {
	w, p := newOrganisation(t, map[string]any{}, "aws-vault", "oidc_flow = device")
	c := w.command(w.program, "exec", "dev", "--", "true")
	talk, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(talk)
	said, err := lines.ReadString('\n')
	for err == nil && strings.HasPrefix(said, "aws-vault: note: ") { // notes are printed before the sign-in starts
		said, err = lines.ReadString('\n')
	}
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`open (\S+) and check that the page shows the code (\S+),`).FindStringSubmatch(said)
	if code == nil || !strings.HasPrefix(code[1], p.issuer) {
		t.Fatalf("said %q", said)
	}
	types := `(() => { const f = document.getElementById('op.deviceInputForm'); if (!f) return null; f.user_code.value = '` + code[2] + `'; document.querySelector('button[form="op.deviceInputForm"]').click(); return true })()`
	b, err := startChromium(t.Context(), t.TempDir(), apart)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.visit(code[1]); err != nil {
		t.Error(err)
	}
	for _, step := range []string{types, confirms, enters, consents, `document.title == "Sign-in Success" ? true : null`} {
		var done any
		if err := b.until(step, &done); err != nil {
			t.Error(err)
			break
		}
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Error(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("%v: %s", err, rest)
	}
	w.calls(devCall)
}

// TestOpenIDRefresh uses ID tokens that are valid for only 30 s. aws-vault must renew such a token before each
// use, without asking the user to sign in again.
func TestOpenIDRefresh(t *testing.T) {
	w, _ := newOrganisation(t, map[string]any{"lasts": 30}, "aws-vault", "")
	w.desktop(person{Steps: []string{enters, consents}, Flags: apart})
	w.vault("oidc", "login")
	opened := w.read(openedFile)
	w.vault("exec", "dev", "--", "true")
	w.vault("exec", "ops", "--", "true")
	w.calls(devCall, opsCall)
	if now := w.read(openedFile); now != opened {
		t.Errorf("opened %q once more", strings.TrimPrefix(now, opened))
	}
	w.vault("oidc", "logout")
	if status := w.vault("oidc", "status"); !strings.Contains(status, "not signed in") {
		t.Errorf("status is %s", status)
	}
}

// TestOpenIDNewKeys replaces the provider's keys after aws-vault has stored a token. AWS refuses this token,
// because an old key signed it. aws-vault must then get a new token.
func TestOpenIDNewKeys(t *testing.T) {
	w, p := newOrganisation(t, map[string]any{}, "aws-vault", "")
	w.desktop(person{Steps: []string{enters, consents}, Flags: apart})
	w.vault("exec", "dev", "--", "true")
	p.rotate()
	w.vault("exec", "ops", "--", "true")
	const refused = opsCall + " refused=InvalidIdentityToken"
	w.calls(devCall, refused, refused, refused, opsCall)
}

// In TestOpenIDDenied, the user denies the sign-in.
func TestOpenIDDenied(t *testing.T) {
	w, _ := newOrganisation(t, map[string]any{}, "aws-vault", "")
	w.desktop(person{Steps: []string{enters, refuses}, Flags: apart})
	if out := w.fails("exec", "dev", "--", "true"); !strings.Contains(out, "the sign-in was refused in the browser") {
		t.Errorf("it says %s", out)
	}
	w.calls()
}

// In TestOpenIDAudience, AWS accepts only tokens with the audience "another", but the provider issues tokens with
// the audience "aws-vault". Without oidc_audience, AWS refuses the token. With oidc_audience = another, aws-vault
// refuses the token.
func TestOpenIDAudience(t *testing.T) {
	w, _ := newOrganisation(t, map[string]any{}, "another", "")
	w.desktop(person{Steps: []string{enters, consents}, Flags: apart})
	if out := w.fails("exec", "dev", "--", "true"); !strings.Contains(out, "Incorrect token audience") || !strings.Contains(out, "its client IDs include the audience") {
		t.Errorf("it says %s", out)
	}
	w.calls(devCall + " refused=InvalidIdentityToken")

	w, _ = newOrganisation(t, map[string]any{}, "another", "oidc_audience = another")
	w.desktop(person{Steps: []string{enters, consents}, Flags: apart})
	if out := w.fails("exec", "dev", "--", "true"); !strings.Contains(out, `expected audience "another" got ["aws-vault"]`) {
		t.Errorf("it says %s", out)
	}
	w.calls()
}
