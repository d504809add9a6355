//go:build unix

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
)

// These shell commands use the terminal or standard input. Programs that aws-vault starts run one of these shell
// commands first.
const (
	setsTerminal  = "stty -echo </dev/tty 2>/dev/null"
	readsTerminal = "read line </dev/tty 2>/dev/null"
	readsStdin    = "{ read line || :; }"
)

// terminalPrograms lists the kinds of programs that aws-vault runs while it renews credentials. In each config, TOUCH
// is replaced with the shell command that uses the terminal.
var terminalPrograms = []struct{ name, backend, config string }{
	{"credential_process", "file", "credential_process = sh -c 'TOUCH && cat keys.json'\n"},
	{"web_identity_token_process", "file", "web_identity_token_process = sh -c 'TOUCH && cat token'\nrole_arn = arn:aws:iam::123456789012:role/web\n"},
	{"mfa_process", "file", "source_profile = alice\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\nmfa_process = sh -c 'TOUCH && print-mfa-code'\nrole_arn = arn:aws:iam::123456789012:role/any\n"},
	{"pass", "pass", "source_profile = alice\nrole_arn = arn:aws:iam::123456789012:role/any\n"},
}

// passProgram is a shell script that replaces the program pass. It stores items without encrypting them.
const passProgram = `#!/bin/sh
for last; do :; done
file="$PASSWORD_STORE_DIR/$last.gpg"
mkdir -p "$(dirname "$file")"
case $1 in
show) [ -n "$CALM" ] || TOUCH && cat "$file" ;;
insert) cat >"$file" ;;
esac
`

// terminalHome returns a home directory. The credentials of its profile p need a program that uses the terminal.
func terminalHome(t *testing.T, backend, config, touch string) (environ []string, dir string) {
	t.Helper()
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	environ, dir = home(t, aws)
	environ = slices.DeleteFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, programVariable+"=") })
	issuer, err := aws.AddIssuer("123456789012", "corp", "sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	aws.AddRole("arn:aws:iam::123456789012:role/any", fakeaws.Role{Trusts: []string{"*"}})
	aws.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}})
	token, err := issuer.Token("alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	world := aws.Example()
	for name, text := range map[string]string{
		".aws/config":  "[profile alice]\n[profile p]\n" + strings.ReplaceAll(config, "TOUCH", touch),
		"keys.json":    `{"Version": 1, "AccessKeyId": "` + world.Key.ID + `", "SecretAccessKey": "` + world.Key.Secret + `", "SessionToken": "EXAMPLETOKEN", "Expiration": "2090-01-01T00:00:00Z"}`,
		"token":        token,
		"pass/.gpg-id": "alice@example.com\n", "bin/pass": strings.ReplaceAll(passProgram, "TOUCH", touch),
		"ask.sh": "fetch -t $AWS_CONTAINER_CREDENTIALS_FULL_URI; echo \"<$(stty -a </dev/tty | grep -ow -e '-\\?echo')>\"\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	environ = append(environ, "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "FAKE_URL="+aws.URL(), "MFA="+world.MFA.Serial(),
		"AWS_VAULT_BACKEND="+backend, "AWS_VAULT_PASS_PASSWORD_STORE_DIR="+filepath.Join(dir, "pass"),
		"TERM=dumb", "LC_ALL=C", "PS1=READY> ", "ENV=")
	if backend != "file" {
		c := exec.Command("aws-vault", "add", "--stdin", "alice")
		c.Dir, c.Env, c.Stdin = dir, append(environ, "CALM=1"), strings.NewReader(world.Key.ID+"\n"+world.Key.Secret+"\n")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return environ, dir
}

// TestProgramsDuringCommand runs a program that uses the terminal while the command of exec has the terminal. The
// program must not stop the command or the server that provides credentials, and must not change the settings of the
// terminal.
func TestProgramsDuringCommand(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("bash is not installed: %v", err)
	}
	for _, program := range terminalPrograms {
		for touch, works := range map[string]bool{setsTerminal: false, readsTerminal: false, readsStdin: true} {
			t.Run(program.name+" "+touch, func(t *testing.T) {
				environ, dir := terminalHome(t, program.backend, program.config, touch)
				c := exec.Command(bash, "--norc", "--noprofile", "-b", "-i")
				c.Dir, c.Env = dir, environ
				s := onTerminal(t, c)
				s.await("READY> ")
				s.press("aws-vault exec -s --lazy p -- sh ask.sh\r")
				output := s.await("<echo>")
				switch {
				case strings.Contains(output, "Stopped"):
					t.Errorf("the server was stopped: %s", output)
				case works && !strings.Contains(output, "\n200 "):
					t.Errorf("unexpected output: %s", output)
				case !works && (!strings.Contains(output, "(the program had no terminal)") || !strings.Contains(output, "aws-vault exec PROFILE -- true")):
					t.Errorf("the error does not say that the program had no terminal: %s", output)
				}
				s.await("READY> ")
			})
		}
	}
}

// TestDialogDuringCommand is like TestProgramsDuringCommand, but the program is a dialog that asks for an MFA code.
func TestDialogDuringCommand(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("bash is not installed: %v", err)
	}
	config := "source_profile = alice\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\nrole_arn = arn:aws:iam::123456789012:role/any\n"
	environ, dir := terminalHome(t, "file", config, setsTerminal)
	for name, text := range map[string]string{
		"bin/zenity": "#!/bin/sh\n" + setsTerminal + "\ntouch \"$HOME/asked\"\nexit 1\n",
		"ask.sh":     "fetch -t $AWS_CONTAINER_CREDENTIALS_FULL_URI; until [ -e asked ]; do sleep 0.1; done; fetch -t $AWS_CONTAINER_CREDENTIALS_FULL_URI; echo \"<$(stty -a </dev/tty | grep -ow -e '-\\?echo')>\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(bash, "--norc", "--noprofile", "-b", "-i")
	c.Dir, c.Env = dir, append(environ, "DISPLAY=:0")
	s := onTerminal(t, c)
	s.await("READY> ")
	s.press("aws-vault --prompt=zenity exec -s --lazy p -- sh ask.sh\r")
	if output := s.await("<echo>"); strings.Count(output, "403 {\"code\":\"LoginRequired\"") != 2 {
		t.Errorf("unexpected output: %s", output)
	}
	s.await("READY> ")
}

// TestProgramsOfAServer checks that a server in the background continues when programs that it starts use the terminal.
func TestProgramsOfAServer(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("bash is not installed: %v", err)
	}
	environ, dir := terminalHome(t, "file", terminalPrograms[0].config, setsTerminal)
	c := exec.Command(bash, "--norc", "--noprofile", "-b", "-i")
	c.Dir, c.Env = dir, environ
	s := onTerminal(t, c)
	s.await("READY> ")
	s.press("aws-vault serve --lazy --format=export-env p >variables &\r")
	s.await("READY> ")
	s.press("until grep -q AUTHORIZATION_TOKEN variables; do sleep 0.1; done; . ./variables; sh ask.sh\r")
	if output := s.await("<echo>"); !strings.Contains(output, "(the program had no terminal)") {
		t.Errorf("unexpected output: %s", output)
	}
	s.await("READY> ")
	s.press("kill %1; wait\r")
	s.await("READY> ")
}
