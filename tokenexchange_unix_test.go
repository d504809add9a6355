//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

// tokenLifetime is the lifetime of the tokens. aws-vault does not use a stored token that expires so soon, so each
// command must renew its token.
const tokenLifetime = 9 * time.Second

// A tokenTest has a user's home directory and a fake AWS. Each command must renew the sign-in that it uses.
type tokenTest struct {
	*testing.T
	aws   *fakeaws.AWS
	world fakeaws.World
	dir   string
	env   []string
}

const tokenTestConfig = `[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1

[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Dev

[oidc-session browser]
oidc_issuer = ISSUER
oidc_client_id = aws-vault

[profile browser]
oidc_session = browser
role_arn = arn:aws:iam::123456789012:role/web

[oidc-session device]
oidc_issuer = ISSUER
oidc_client_id = aws-vault
oidc_flow = device

[profile device]
oidc_session = device
role_arn = arn:aws:iam::123456789012:role/web
`

func newTokenTest(t *testing.T) *tokenTest {
	fake, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	h := &tokenTest{T: t, aws: fake, world: fake.Example(), dir: t.TempDir()}
	portal := fake.AddSSO("https://corp.awsapps.com/start", "eu-west-1")
	portal.Assign("123456789012", "Dev")
	portal.AutoApprove(true)
	portal.SetTokenLifetime(tokenLifetime)
	issuer, err := fake.AddIssuer("123456789012", "corp", "aws-vault")
	if err != nil {
		t.Fatal(err)
	}
	issuer.People(fakeaws.Login{Subject: "alice", Auto: true, Lasts: int(tokenLifetime / time.Second)})
	fake.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}})
	fake.SetLogin("arn:aws:iam::123456789012:user/alice", true)
	fake.SetLoginLifetime(tokenLifetime)
	if err := os.Mkdir(filepath.Join(h.dir, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := strings.ReplaceAll(tokenTestConfig, "ISSUER", issuer.URL())
	if err := os.WriteFile(filepath.Join(h.dir, ".aws", "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	h.env = []string{
		asProgram + "=1", "HOME=" + h.dir, "PATH=" + os.Getenv("PATH"), "AWS_ENDPOINT_URL=" + fake.URL(), "TZ=UTC",
		"AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=horse battery", "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"),
	}
	return h
}

// A process is a run of aws-vault.
type process struct {
	*exec.Cmd
	test   *tokenTest
	stderr bytes.Buffer
	read   chan struct{}
}

var page = regexp.MustCompile(`open (http://127\.0\.0\.1:\d+/\S*authorize\?\S+)`)

// start starts the program, and opens each sign-in page whose URL the program prints.
func (h *tokenTest) start(env []string, args ...string) *process {
	h.Helper()
	p := &process{Cmd: exec.CommandContext(h.Context(), os.Args[0], args...), test: h, read: make(chan struct{})}
	p.Env = slices.Concat(h.env, env)
	stderr, err := p.StderrPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		h.Fatal(err)
	}
	go func() {
		defer close(p.read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&p.stderr, lines.Text())
			if found := page.FindStringSubmatch(lines.Text()); found != nil {
				go func() {
					if resp, err := http.Get(found[1]); err == nil {
						resp.Body.Close()
					}
				}()
			}
		}
	}()
	return p
}

// end waits until the program ends, and returns what the program has written to stderr.
func (p *process) end() (string, error) {
	<-p.read
	err := p.Wait()
	return p.stderr.String(), err
}

func (h *tokenTest) run(env []string, args ...string) {
	h.Helper()
	if output, err := h.start(env, args...).end(); err != nil {
		h.Fatalf("%q: %v\n%s", args, err, output)
	}
}

// A tokenKind is a kind of single-use code or token.
type tokenKind struct {
	action   string // the call to AWS or to the OIDC provider that exchanges the token
	env      []string
	setup    []string // the command that creates the token; nil if the command in the field exchange does this
	exchange []string // the command that exchanges the token for new tokens
	use      []string // a command that uses the new sign-in
}

var (
	withBrowser = []string{"DISPLAY=:0", "AWS_VAULT_STDOUT=1"}
	withDevice  = []string{"AWS_VAULT_SSO_FLOW=device"}

	tokenKinds = map[string]tokenKind{
		"Identity Center, refresh token": {"CreateToken", withDevice, []string{"sso", "login", "corp"}, []string{"export", "sso"}, []string{"export", "sso"}},
		"Identity Center, device code":   {"CreateToken", withDevice, nil, []string{"sso", "login", "corp"}, []string{"export", "sso"}},
		"Identity Center, code":          {"CreateToken", withBrowser, nil, []string{"sso", "login", "corp"}, []string{"export", "sso"}},
		"OIDC, refresh token":            {"OpenIDToken", withBrowser, []string{"oidc", "login", "browser"}, []string{"export", "browser"}, []string{"oidc", "login", "browser"}},
		"OIDC, device code":              {"OpenIDToken", withBrowser, nil, []string{"oidc", "login", "device"}, []string{"oidc", "login", "device"}},
		"OIDC, code":                     {"OpenIDToken", withBrowser, nil, []string{"oidc", "login", "browser"}, []string{"oidc", "login", "browser"}},
		"aws login, refresh token":       {"CreateOAuth2Token", withBrowser, []string{"aws-login", "console"}, []string{"export", "console"}, []string{"export", "console"}},
		"aws login, code":                {"CreateOAuth2Token", withBrowser, nil, []string{"aws-login", "console"}, []string{"export", "console"}},
	}
)

// startStalled starts the command that exchanges the token. The server accepts the token, which cannot be used
// again, but sends the response only after the test calls the function open.
func (h *tokenTest) startStalled(k tokenKind) (p *process, open func()) {
	h.Helper()
	if k.setup != nil {
		h.run(k.env, k.setup...)
	}
	gate := make(chan struct{})
	h.aws.Reset()
	h.aws.Fail(fakeaws.Fault{Action: k.action, Late: gate})
	p = h.start(k.env, k.exchange...)
	ctx, cancel := context.WithTimeout(h.Context(), 20*time.Second)
	defer cancel()
	if err := h.aws.Await(ctx, k.action, 1); err != nil {
		p.Process.Kill()
		output, _ := p.end()
		h.Fatalf("%v\n%s", err, output)
	}
	return p, func() { close(gate) }
}

// checkSignInStored checks that the sign-in was stored. A command must be able to use it without a new sign-in by the
// user.
func (h *tokenTest) checkSignInStored(k tokenKind) {
	h.Helper()
	h.aws.Reset()
	h.run(k.env, k.use...)
	for _, c := range h.aws.Calls() {
		if slices.Contains([]string{"Authorize", "StartDeviceAuthorization", "LoginPage", "OpenIDAuthorize", "OpenIDDevice"}, c.Action) {
			h.Errorf("the user has to sign in again: %s", c.Action)
		}
	}
}

func eachKind(t *testing.T, about string, test func(*testing.T, *tokenTest, tokenKind)) {
	for name, k := range tokenKinds {
		if strings.Contains(name, about) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, newTokenTest(t), k)
			})
		}
	}
}

// TestSignalDuringTokenExchange sends three signals to the program while it exchanges a single-use token. The program
// must store the response before it ends.
func TestSignalDuringTokenExchange(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			eachKind(t, "", func(t *testing.T, h *tokenTest, k tokenKind) {
				p, open := h.startStalled(k)
				for range 3 {
					if err := p.Process.Signal(s); err != nil {
						t.Fatal(err)
					}
					time.Sleep(20 * time.Millisecond) // without this pause, the kernel would merge the signals into one
				}
				open()
				output, err := p.end()
				if status := p.ProcessState.Sys().(syscall.WaitStatus); err != nil && !status.Signaled() {
					t.Errorf("ended with %v\n%s", err, output)
				}
				h.checkSignInStored(k)
			})
		})
	}
}

// fakePass replaces the program pass. It stores items without encrypting them. If the file $HOME/instead exists,
// fakePass runs that file as a script before it stores an item.
const fakePass = `#!/bin/sh
verb=$1; shift
for last; do :; done
file=$PASSWORD_STORE_DIR/$last.gpg
case $verb in
show) cat "$file" ;;
insert)
	content=$(cat; echo .)
	if test -e "$HOME/instead"; then . "$HOME/instead"; fi
	mkdir -p "$(dirname "$file")"
	printf %s "${content%.}" >"$file" ;;
rm) rm "$file" ;;
esac
`

// usePass makes aws-vault store keys in a password store that only this test uses. aws-vault then runs fakePass,
// not the program pass.
func (h *tokenTest) usePass() {
	h.Helper()
	dir := filepath.Join(h.dir, "store")
	program := filepath.Join(h.dir, "pass")
	for path, text := range map[string]string{program: fakePass, filepath.Join(dir, ".gpg-id"): "test@example.com\n"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			h.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			h.Fatal(err)
		}
	}
	h.env = append(h.env, "AWS_VAULT_BACKEND=pass", "AWS_VAULT_PASS_CMD="+program, "PASSWORD_STORE_DIR="+dir)
}

// replacePassWrite sets the script that fakePass runs before it stores an item. If script is empty, fakePass runs
// no script.
func (h *tokenTest) replacePassWrite(script string) {
	h.Helper()
	path := filepath.Join(h.dir, "instead")
	os.Remove(path)
	if script == "" {
		return
	}
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		h.Fatal(err)
	}
}

// TestPassFailsAfterTokenExchange makes the program pass fail, or kills it, while it stores the response to a
// token exchange. The next run of the program must have the new sign-in.
func TestPassFailsAfterTokenExchange(t *testing.T) {
	for name, script := range map[string]string{"fails": "echo full >&2; exit 1", "is killed": "kill -KILL $$"} {
		t.Run(name, func(t *testing.T) {
			eachKind(t, "", func(t *testing.T, h *tokenTest, k tokenKind) {
				h.usePass()
				p, open := h.startStalled(k)
				h.replacePassWrite(script)
				open()
				output, err := p.end()
				if err != nil || !strings.Contains(output, "the token is stored encrypted in ~/.local/state/aws-vault/keystore/") {
					t.Errorf("ended with %v\n%s", err, output)
				}
				h.replacePassWrite("")
				h.checkSignInStored(k)
			})
		})
	}
}

// TestKilledAfterTokenExchange kills aws-vault while the program pass hangs, before it has stored the response to
// a token exchange. The next run of the program must have the new sign-in.
func TestKilledAfterTokenExchange(t *testing.T) {
	eachKind(t, "", func(t *testing.T, h *tokenTest, k tokenKind) {
		h.usePass()
		if k.action == "CreateOAuth2Token" && k.setup == nil { // create the profile first, because aws-login writes it only after the sign-in
			f, err := os.OpenFile(filepath.Join(h.dir, ".aws", "config"), os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(f, "\n[profile console]\nlogin_session = arn:aws:iam::123456789012:user/alice\n")
			f.Close()
		}
		p, open := h.startStalled(k)
		hangs := filepath.Join(h.dir, "hangs")
		if err := syscall.Mkfifo(hangs, 0o600); err != nil {
			t.Fatal(err)
		}
		h.replacePassWrite(`exec cat "$HOME/hangs" 2>/dev/null >/dev/null`)
		open()
		f, err := os.OpenFile(hangs, os.O_WRONLY, 0) // OpenFile waits until pass opens the pipe too
		if err != nil {
			t.Fatal(err)
		}
		p.Process.Kill()
		f.Close() // pass ends when the pipe is closed
		p.end()
		h.replacePassWrite("")
		h.checkSignInStored(k)
	})
}
