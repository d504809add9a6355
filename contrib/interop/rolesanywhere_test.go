//go:build interop && linux

package interop

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
)

// helperModule is the Go module of AWS's own client for Roles Anywhere.
const helperModule = "github.com/aws/rolesanywhere-credential-helper@v1.7.3"

// buildHelper builds AWS's client outside of this module, so that this module does not depend on it.
func buildHelper(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "mod", "download", "-json", helperModule).Output()
	var module struct{ Dir string }
	if err != nil || json.Unmarshal(out, &module) != nil {
		t.Skipf("%s is not available here: %v: %s", helperModule, err, out)
	}
	path := filepath.Join(t.TempDir(), "helper")
	if out, err := exec.Command("go", "build", "-C", module.Dir, "-o", path, ".").CombinedOutput(); err != nil {
		t.Skipf("%s cannot be built here: %v: %s", helperModule, err, out)
	}
	return path
}

// In TestRolesAnywhereHelper, AWS's own client calls the fake AWS with certificates that aws-vault has created. The
// test shows that the fake accepts the requests of AWS's own client, and that aws-vault signs in the same way.
func TestRolesAnywhereHelper(t *testing.T) {
	helper := buildHelper(t)
	const role = "arn:aws:iam::123456789012:role/anywhere"
	for _, kind := range []string{"ecdsa", "rsa"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, "file", passphrase)
			if kind == "rsa" {
				w.input("", "openssl", "genrsa", "-out", "alice.key", "2048")
			}
			w.vault("certificate", "request", "--subject=CN=alice", "--private-key=alice.key", "--out=alice.pem", "--self-signed-ca=ca")
			w.aws.AddRole(role, fakeaws.Role{Trusts: []string{"rolesanywhere.amazonaws.com"}})
			anchor, err := w.aws.AddTrustAnchor(w.Account, "eu-central-1", w.read("ca/ca.pem"))
			if err != nil {
				t.Fatal(err)
			}
			profile := w.aws.AddAnywhereProfile(w.Account, "eu-central-1", fakeaws.AnywhereProfile{Roles: []string{role}, AcceptsSessionName: true})
			args := []string{"credential-process", "--certificate", "alice.pem", "--private-key", "alice.key",
				"--trust-anchor-arn", anchor, "--profile-arn", profile, "--role-arn", role, "--endpoint", w.aws.URL()}
			theirs := w.input("", helper, args...)
			var key struct{ AccessKeyId string }
			if err := json.Unmarshal([]byte(theirs), &key); err != nil || !strings.HasPrefix(key.AccessKeyId, "ASIA") {
				t.Errorf("AWS's helper got %s, %v", theirs, err)
			}
			w.write(filepath.Join(".aws", "config"), "[profile anywhere]\ntrust_anchor_arn = "+anchor+"\nrolesanywhere_profile_arn = "+profile+
				"\nrole_arn = "+role+"\ncertificate = alice.pem\nprivate_key = alice.key\n")
			w.vault("export", "--format=json", "anywhere")
			w.input("", helper, append(args, "--role-session-name", "alice", "--session-duration", "900")...)
			calls := w.aws.Calls()
			if len(calls) != 3 || calls[0].Status != http.StatusCreated || !sameSigned(calls[0], calls[1]) {
				t.Errorf("%d calls, not alike: %+v", len(calls), calls)
			}
			w.write("other.key", w.read("ca/ca-key.pem"))
			if out, err := w.command(helper, append(args, "--private-key", "other.key")...).CombinedOutput(); err == nil {
				t.Errorf("AWS's helper signed with a key that is not the certificate's: %s", out)
			}
		})
	}
}

// sameSigned reports whether two calls have the same signing algorithm, certificate, content type and region.
func sameSigned(a, b fakeaws.Call) bool {
	kind := func(c fakeaws.Call) string {
		algorithm, rest, _ := strings.Cut(c.Header.Get("Authorization"), " ")
		serial, _, _ := strings.Cut(rest, "/")
		return algorithm + serial + c.Header.Get("X-Amz-X509") + c.Header.Get("Content-Type") + c.Region
	}
	return kind(a) == kind(b)
}
