package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/printable"
)

// hostile contains characters that control a terminal or change the order of the text that it shows: the control
// characters ESC and BEL, a control character of C1, and bidi marks. The config file and AWS accept them unchanged.
const hostile = "\x1b]0;x\a\u009b2J\u202etxt\u2066"

// joined is a name that must be printed as it is.
const joined = "👩\u200d💻-می\u200cخواهم-用户"

// TestHostileNames runs commands with a config file and responses from AWS that contain the characters in hostile.
// These characters must not reach stdout or stderr. Joined emoji and letters must be printed unchanged.
func TestHostileNames(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, dir := home(t, aws)
	portal := aws.AddSSO("https://corp.awsapps.com/start", "eu-west-1")
	portal.AutoApprove(true)
	portal.Assign("123456789012", "Dev"+hostile+"\nforged\trow")
	portal.Assign("1234"+hostile, joined)
	config := strings.NewReplacer("EVIL", "x"+hostile, "JOINED", joined).Replace(`
[profile EVIL]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/readonly
[profile role]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/EVIL
[profile good]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Dev
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile quotes]
credential_process = printf '{"Version":"\\u001b[2J\\u202e"}'
[profile JOINED]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/readonly
[profile loop]
source_profile = EVIL
region = EVIL
[profile gone]
source_profile = goneEVIL
role_arn = arn:aws:iam::123456789012:role/readonly
[profile program]
credential_process = printf '{"Version": "EVIL"}'
[profile portal]
sso_session = EVIL
sso_account_id = 123456789012
sso_role_name = Dev
[profile unknown]
sso_session = goneEVIL
sso_account_id = 123456789012
sso_role_name = Dev
[profile oidc]
oidc_session = EVIL
role_arn = arn:aws:iam::123456789012:role/readonly
[sso-session EVIL]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[oidc-session EVIL]
oidc_issuer = https://id.example.com/EVIL
oidc_client_id = EVIL
[identity EVIL]
issuer = https://id.example.com/EVIL
subject = EVIL
[session-policy EVIL]
policy = EVIL
[profile EVIL
[EVIL]
region = eu-west-1
`)
	path := filepath.Join(dir, ".aws", "config")
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(text, config...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "policy.json")
	if err := os.WriteFile(file, []byte(`{"Version": "`+hostile+`", "Statement": [{"Effect": "`+hostile+`"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (output string) {
		t.Helper()
		c := exec.Command(os.Args[0], args...)
		var out, errs strings.Builder
		c.Env, c.Stdout, c.Stderr = append(environ, "AWS_VAULT_SSO_FLOW=device"), &out, &errs
		c.Run() // many of the commands fail
		for line := range strings.Lines(out.String() + errs.String()) {
			if line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", " "); !printable.Is(line) {
				t.Errorf("%q prints %q", args, line)
			}
			if strings.HasPrefix(line, "forged") {
				t.Errorf("%q prints the forged line %q", args, line)
			}
		}
		if strings.Contains(errs.String(), "panic") {
			t.Errorf("%q: %s", args, errs.String())
		}
		return out.String() + errs.String()
	}
	evil := "x" + hostile
	for _, line := range [][]string{
		{"list"}, {"list", "--json"}, {"list", "--profiles"}, {"list", "--sessions"}, {"list", "--credentials"},
		{"explain", evil}, {"explain", "--json", evil}, {"explain", "portal"}, {"explain", "--json", "portal"}, {"explain", "program"}, {"explain", "loop"}, {"explain", "gone"}, {"explain", "unknown"}, {"explain", "oidc"},
		{"doctor"}, {"doctor", "--json"}, {"backends"}, {"backends", "--json"},
		{"exec", evil, "--", "true"}, {"exec", evil + "!", "--", "true"}, {"exec", "alice", "--", evil}, {"exec", "quotes", "--", "true"}, {"explain", "role"}, {"exec", "program", "--", "true"}, {"exec", "portal", "--", "true"}, {"exec", "oidc", "--", "true"}, {"exec", "--region", evil, "alice", "--", "true"},
		{"exec", "loop", "--", "true"}, {"exec", "--debug", "gone", "--", "true"}, {"--debug", "exec", evil, "--", "true"},
		{"export", "--format=env", evil}, {"export", "--format=ini", evil}, {"login", "--stdout", evil}, {"login", "--path", evil, "alice"},
		{"sso", "list", "corp"}, {"sso", "list", "--json", "corp"}, {"sso", "sync", "--dry-run", "corp"}, {"sso", "login", evil}, {"sso", "logout", "corp"}, {"sso", "list", evil + "!"},
		{"oidc", "status"}, {"oidc", "status", "--json"}, {"oidc", "login", evil}, {"identity", "show", evil}, {"identity", "verify", evil}, {"identity", "show", evil + "!"},
		{"policy", "lint", file}, {"policy", "trust", evil}, {"policy", "trust", "role"},
		{"remove", evil}, {"rotate", evil}, {"rotate", "--dry-run", evil}, {"import", "--dry-run"}, {"clear", evil}, {"serve", evil, evil}, {"serve", "--status"}, {"mfa", "code", evil},
		{"no" + evil}, {"--no" + evil}, {"list", evil}, {"help", evil}, {"--backend", evil, "list"}, {"--prompt", evil, "exec", "alice", "--", "true"}, {"--completion-bash", "exec", ""},
	} {
		run(line...)
	}
	aws.Fail(fakeaws.Fault{Times: -1, Code: "Code" + hostile, Message: "refused " + hostile + "\naws-vault: hint: forged"})
	for _, profile := range []string{evil, "portal", joined} {
		if out := run("exec", "--no-session", profile, "--", "true"); strings.Contains(out, "\naws-vault: hint: forged") {
			t.Errorf("a message of AWS adds a hint: %s", out)
		}
	}
	if out := run("exec", joined+"x", "--", "true"); !strings.Contains(out, `"`+joined+`x"`) {
		t.Errorf("the error of exec is %s, want the name as it is", out)
	}
	if out := run("list"); !strings.Contains(out, joined) || !strings.Contains(out, printable.Quote(evil)) {
		t.Errorf("list prints %s, want %s and %s", out, joined, printable.Quote(evil))
	}
	if out := run("list", "--json"); !strings.Contains(out, joined) || !strings.Contains(out, `\u009b2J\u202etxt\u2066`) {
		t.Errorf("list --json prints %s, want %s and escapes", out, joined)
	}
}
