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

// The hosts of AWS that are called. The AWS CLI cannot use other hosts for SSO.
const (
	oidcHost   = "oidc.eu-west-1.amazonaws.com"
	portalHost = "portal.sso.eu-west-1.amazonaws.com"
	stsHost    = "sts.eu-west-1.amazonaws.com"
)

const roleCall = "GetRoleCredentials account=123456789012 role=Dev"

// newOffice creates a world with a portal that approves sign-ins automatically, and the proxy that programs must use to reach AWS by its
// host names. There is no browser.
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

// whoami returns an AWS CLI command that calls GetCallerIdentity for a profile.
func whoami(profile string) []string {
	return []string{awsCLI, "--profile", profile, "--output", "text", "--query", "Arn", "sts", "get-caller-identity"}
}

// cached returns the files of the AWS CLI's cache, by name.
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

// signIns maps the two ways in which the cache's file is named to a profile that signs in that way.
var signIns = map[string]string{"session": "dev", "start URL": "inline"}

// In TestCLITakesOurToken, only aws-vault signs in, and the AWS CLI uses its token to get a role's credentials.
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

// TestJavaScriptSDKTakesOurToken does the same with a recent client.
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

// takesToken checks that a command finds the shared token and does not request another one, and that it finds none after the
// token was removed.
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
	if err := os.RemoveAll(filepath.Join(w.home, ".aws", "cli")); err != nil { // delete the role's credentials
		w.t.Fatal(err)
	}
	if out, err := w.command(command[0], command[1:]...).CombinedOutput(); err == nil {
		w.t.Errorf("after clear it still is %s", out)
	}
	w.calls()
}

// In TestWeTakeTheCLIsToken, only the AWS CLI signs in.
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

			// After that sign-in has ended, aws-vault signs in itself, with the client that the AWS CLI registered.
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
