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

	"aws-vault/vault/vaulttest"
)

// The hosts of AWS that are asked for. The AWS CLI knows no way to be given others for SSO.
const (
	oidcHost   = "oidc.eu-west-1.amazonaws.com"
	portalHost = "portal.sso.eu-west-1.amazonaws.com"
	stsHost    = "sts.eu-west-1.amazonaws.com"
)

// newOffice makes a world with a portal that asks nobody, and the proxy through which alone
// programs reach AWS by its names. There is no browser.
func newOffice(t *testing.T) (*world, *vaulttest.SSO, *proxy) {
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

// TestCLITakesOurToken signs in with aws-vault alone, and lets the AWS CLI take a role by itself.
func TestCLITakesOurToken(t *testing.T) {
	for name, profile := range map[string]string{"session": "dev", "settings of the profile": "inline"} {
		t.Run(name, func(t *testing.T) {
			w, portal, p := newOffice(t)
			w.vault("sso", "login", "--share-sso-token", profile)
			p.asked()
			w.aws.Reset()

			ask := whoami(profile)
			want := strings.Replace(portal.Assign("123456789012", "Dev"), ":iam:", ":sts:", 1)
			want = "arn:aws:sts::123456789012:assumed-role/" + filepath.Base(want) + "/alice@example.com"
			if have := strings.TrimSpace(w.input("", ask[0], ask[1:]...)); have != want {
				t.Errorf("it is %q, want %q", have, want)
			}
			w.calls("GetRoleCredentials account=123456789012 role=Dev", "GetCallerIdentity by=role/"+filepath.Base(portal.Assign("123456789012", "Dev")))
			if hosts := p.asked(); !slices.Equal(hosts, []string{portalHost, stsHost}) {
				t.Errorf("it asked %q", hosts)
			}

			w.vault("clear", profile)
			os.RemoveAll(filepath.Join(w.home, ".aws", "cli"))
			if out, err := w.command(ask[0], ask[1:]...).CombinedOutput(); err == nil {
				t.Errorf("after clear it still is %s", out)
			}
			w.calls()
		})
	}
}

// TestWeTakeTheCLIsToken signs in with the AWS CLI alone.
func TestWeTakeTheCLIsToken(t *testing.T) {
	for name, profile := range map[string]string{"session": "dev", "settings of the profile": "inline"} {
		t.Run(name, func(t *testing.T) {
			w, _, p := newOffice(t)
			w.input("", awsCLI, "--profile", profile, "sso", "login", "--no-browser")
			if hosts := p.asked(); !slices.Equal(hosts, []string{oidcHost}) {
				t.Errorf("it asked %q", hosts)
			}
			w.aws.Reset()
			theirs := w.cached()

			w.vault("exec", profile, "--", "true")
			w.calls("GetRoleCredentials account=123456789012 role=Dev")
			w.vault("clear")
			if ours := w.cached(); !maps.Equal(ours, theirs) {
				t.Errorf("its cache was %q, and is %q", theirs, ours)
			}
		})
	}
}
