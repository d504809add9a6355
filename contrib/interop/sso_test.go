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

// The host names of AWS that the tests call. For SSO, the AWS CLI cannot use other host names.
const (
	oidcHost   = "oidc.eu-west-1.amazonaws.com"
	portalHost = "portal.sso.eu-west-1.amazonaws.com"
	stsHost    = "sts.eu-west-1.amazonaws.com"
)

const roleCall = "GetRoleCredentials account=123456789012 role=Dev"

// newOffice creates a world without a browser. Its portal approves sign-ins automatically. Programs use the proxy
// to call AWS's host names.
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

// whoami returns the AWS CLI's command line for calling GetCallerIdentity with a profile.
func whoami(profile string) []string {
	return []string{awsCLI, "--profile", profile, "--output", "text", "--query", "Arn", "sts", "get-caller-identity"}
}

// cached returns the contents of the files in the AWS CLI's cache, by file name.
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

// signIns has a profile for each of the two ways in which the AWS CLI names the cache file of a sign-in.
var signIns = map[string]string{"session": "dev", "start URL": "inline"}

// In TestCLITakesOurToken, only aws-vault signs in. The AWS CLI uses aws-vault's token to get credentials of a role.
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

// In TestJavaScriptSDKTakesOurToken, only aws-vault signs in. A recent JavaScript SDK uses aws-vault's token.
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

// takesToken checks that a command uses the shared token and requests no other token. It then removes the token and
// checks that the command fails.
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
	if err := os.RemoveAll(filepath.Join(w.home, ".aws", "cli")); err != nil { // the cached role credentials
		w.t.Fatal(err)
	}
	if out, err := w.command(command[0], command[1:]...).CombinedOutput(); err == nil {
		w.t.Errorf("after clear, the command still succeeds: %s", out)
	}
	w.calls()
}

// In TestWeTakeTheCLIsToken, only the AWS CLI signs in, and aws-vault uses the AWS CLI's token.
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

			// After the AWS CLI's sign-in has ended, aws-vault signs in itself. It uses the client that the AWS CLI has
			// registered.
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
