//go:build interop && linux

package interop

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
)

// The hosts of AWS that are asked for. The AWS CLI knows no way to be given others for SSO.
const (
	oidcHost   = "oidc.eu-west-1.amazonaws.com"
	portalHost = "portal.sso.eu-west-1.amazonaws.com"
	stsHost    = "sts.eu-west-1.amazonaws.com"
)

const roleCall = "GetRoleCredentials account=123456789012 role=Dev"

// newOffice makes a world with a portal that asks nobody, and the proxy through which alone
// programs reach AWS by its names. There is no browser.
func newOffice(t *testing.T) (*world, *fakeaws.SSO, *proxy) {
	t.Helper()
	w, portal := newPortal(t)
	portal.AutoApprove(true)
	p := newProxy(t, w.aws)
	w.write("ca.pem", p.caPEM)
	w.env = slices.DeleteFunc(w.env, func(kv string) bool { return strings.HasPrefix(kv, "AWS_ENDPOINT_URL=") })
	w.env = append(w.env, "HTTPS_PROXY="+p.url, "AWS_CA_BUNDLE="+filepath.Join(w.home, "ca.pem"))
	return w, portal, p
}

// whoami lets the AWS CLI ask who it is, with the credentials that it finds for a profile.
func whoami(profile string) []string {
	return []string{awsCLI, "--profile", profile, "--output", "text", "--query", "Arn", "sts", "get-caller-identity"}
}

// cached are the files of the AWS CLI's cache, by name.
func (w *world) cached() map[string]string {
	w.t.Helper()
	files := map[string]string{}
	folder := filepath.Join(w.home, ".aws", "sso", "cache")
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[d.Name()] = string(text)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return files
}

// signIns are the profiles that sign in, by what their cache is named for.
var signIns = map[string]string{"session": "dev", "start URL": "inline"}

// TestCLITakesOurToken signs in with aws-vault alone, and lets the AWS CLI take a role by itself.
func TestCLITakesOurToken(t *testing.T) {
	for name, profile := range signIns {
		t.Run(name, func(t *testing.T) {
			w, portal, p := newOffice(t)
			w.vault("sso", "login", "--share-sso-token", profile)
			p.asked()
			w.takesToken(portal, profile, whoami(profile))
			if hosts := p.asked(); !slices.Equal(hosts, []string{portalHost, stsHost}) {
				t.Errorf("it asked %q", hosts)
			}
		})
	}
}

// TestJavaScriptSDKTakesOurToken does so with a client of this year.
func TestJavaScriptSDKTakesOurToken(t *testing.T) {
	for name, profile := range signIns {
		t.Run(name, func(t *testing.T) {
			w, portal := newPortal(t)
			portal.AutoApprove(true)
			w.vault("sso", "login", "--share-sso-token", profile)
			w.takesToken(portal, profile, []string{"node", filepath.Join(os.Getenv(modulesVariable), "whoami.mjs"), w.aws.URL(), profile})
		})
	}
}

// takesToken checks that a command that prints who it is finds the token that was shared, asks
// for no other, and finds none when it is cleared.
func (w *world) takesToken(portal *fakeaws.SSO, profile string, command []string) {
	w.t.Helper()
	w.aws.Reset()
	role := filepath.Base(portal.Assign("123456789012", "Dev"))
	want := "arn:aws:sts::123456789012:assumed-role/" + role + "/alice@example.com"
	if have := strings.TrimSpace(w.input("", command[0], command[1:]...)); have != want {
		w.t.Errorf("it is %q, want %q", have, want)
	}
	w.calls(roleCall, "GetCallerIdentity by=role/"+role)

	w.vault("clear", profile)
	if err := os.RemoveAll(filepath.Join(w.home, ".aws", "cli")); err != nil { // the role's credentials
		w.t.Fatal(err)
	}
	if out, err := w.command(command[0], command[1:]...).CombinedOutput(); err == nil {
		w.t.Errorf("after clear it still is %s", out)
	}
	w.calls()
}

// TestWeTakeTheCLIsToken signs in with the AWS CLI alone.
func TestWeTakeTheCLIsToken(t *testing.T) {
	for name, profile := range signIns {
		t.Run(name, func(t *testing.T) {
			w, portal, p := newOffice(t)
			w.input("", awsCLI, "--profile", profile, "sso", "login", "--no-browser")
			if hosts := p.asked(); !slices.Equal(hosts, []string{oidcHost}) {
				t.Errorf("it asked %q", hosts)
			}
			w.aws.Reset()
			theirs := w.cached()

			w.vault("exec", profile, "--", "true")
			w.calls(roleCall)
			w.vault("clear")

			// When its sign-in has ended, we sign in by ourselves, as the client that it registered.
			portal.Revoke("")
			w.vault("exec", profile, "--", "true")
			w.calls(roleCall+" refused=UnauthorizedException", "StartDeviceAuthorization",
				"CreateToken grant=urn:ietf:params:oauth:grant-type:device_code", roleCall)
			if ours := w.cached(); !maps.Equal(ours, theirs) {
				t.Errorf("its cache was %q, and is %q", theirs, ours)
			}
		})
	}
}
