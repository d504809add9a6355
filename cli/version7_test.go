package cli_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// version7 lists the commands of aws-vault 7 and of a fork of aws-vault 7, with all flags, including hidden flags.
var version7 = []struct{ command, flags string }{
	{"", "--debug --no-debug --backend=file --prompt=terminal --keychain=x --secret-service-collection=x --pass-dir=x --pass-cmd=x --pass-prefix=x --file-dir=x"},
	{"", "--biometrics --op-timeout=15s --op-vault-id=x --op-item-title-prefix=x --op-item-tag=x --op-connect-host=x --op-desktop-account-id=x"},
	{"", "--proton-pass-share-id=x --proton-pass-item-title-prefix=x --proton-pass-api-base=x --proton-pass-timeout=30s"},
	{"add", "--env --add-config --no-add-config"},
	{"remove", "--force -f --no-force --sessions-only -s"},
	{"rm", "--force -f --sessions-only -s"},
	{"list", "--profiles --sessions --credentials"},
	{"ls", "--profiles --sessions --credentials"},
	{"exec", "--duration=1h -d1h --no-session -n --no-no-session --region=x --mfa-token=1 -t1 --json -j --server -s --ec2-server --ecs-server --lazy --stdout --profile-env"},
	{"export", "--duration=1h -d1h --no-session -n --region=x --mfa-token=1 -t1 --format=env --format=export-env --format=json --format=ini --stdout"},
	{"login", "--duration=1h -d1h --no-session -n --mfa-token=1 -t1 --path=x --region=x --stdout -s --auto-logout -a"},
	{"rotate", "--no-session -n"},
	{"clear", ""},
	{"proxy", "--stop"},
	{"version", ""},
	{"migrate-backend", "--from=file --to=pass --profile=x --dry-run --overwrite --delete-source"},
}

// version7Variables lists the environment variables of aws-vault 7.
const version7Variables = `AWS_VAULT_BACKEND AWS_VAULT_PROMPT AWS_VAULT_KEYCHAIN_NAME AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME
AWS_VAULT_PASS_PASSWORD_STORE_DIR AWS_VAULT_PASS_CMD AWS_VAULT_PASS_PREFIX AWS_VAULT_FILE_DIR AWS_VAULT_FILE_PASSPHRASE
AWS_VAULT_DURATION AWS_VAULT_STDOUT AWS_VAULT_AUTO_LOGOUT AWS_VAULT_PROFILE_ENV AWS_VAULT_BIOMETRICS
AWS_VAULT_DISABLE_HELP_MESSAGE AWS_PROFILE AWS_CONFIG_FILE AWS_MIN_TTL YKMAN_OATH_CREDENTIAL_NAME YKMAN_OATH_DEVICE_SERIAL AWS_VAULT_YKMAN_VERSION DISABLE_KWALLET`

// version7Section returns the section of the manual about moving from aws-vault 7 to this program.
func version7Section(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Coming from aws-vault 7\n")
	if !ok {
		t.Fatal("the manual has no section \"Coming from aws-vault 7\"")
	}
	return section
}

// accepts reports whether the program accepts a command line. It adds --help to the command line, so that no command is
// run.
func accepts(args ...string) (bool, string) {
	c := exec.Command(os.Args[0], append(args, "--help")...)
	c.Env = []string{programVariable + "=1", "HOME=/nonexistent", "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), quickRace}
	out, err := c.CombinedOutput()
	return err == nil, string(out)
}

// mentionsFlag reports whether the section of the manual names a flag. The section names some flags as a group, such as
// --op-….
func mentionsFlag(section, flag string) bool {
	name, _, _ := strings.Cut(flag, "=")
	for _, family := range []string{"--op-", "--proton-pass-"} {
		if strings.HasPrefix(name, family) {
			name = family + "…"
		}
	}
	return strings.Contains(section, name+"`")
}

// TestVersion7CommandLines checks that the program accepts each command and flag of aws-vault 7, or that the manual
// explains what to use instead. The manual must mention each environment variable of aws-vault 7.
func TestVersion7CommandLines(t *testing.T) {
	section := version7Section(t)
	for _, row := range version7 {
		var command []string
		if row.command != "" {
			command = []string{row.command}
			if ok, _ := accepts(row.command); !ok {
				if !strings.Contains(section, "`"+row.command+"`") {
					t.Errorf("%s is not a command, and the manual does not explain it", row.command)
				}
				continue
			}
		}
		for _, flag := range strings.Fields(row.flags) {
			if ok, out := accepts(append(slices.Clone(command), flag)...); !ok && !mentionsFlag(section, flag) {
				t.Errorf("%s %s is refused, and the manual does not explain it: %s", row.command, flag, out)
			}
		}
	}
	whole, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(version7Variables) {
		if !strings.Contains(string(whole), name) {
			t.Errorf("the manual does not mention %s", name)
		}
	}
}

// TestSwitchesCanBeTurnedOff checks that every switch has a form with --no- that turns the switch off.
func TestSwitchesCanBeTurnedOff(t *testing.T) {
	line := regexp.MustCompile(`(?m)^ +(?:-\w, +)?--([a-z0-9-]+)(  |$)`)
	switches := 0
	for name, page := range helpPages(t) {
		command := strings.Fields(name)
		if name == "aws-vault" {
			command = nil
		}
		for _, m := range line.FindAllStringSubmatch(page, -1) {
			if m[1] == "help" || m[1] == "version" {
				continue // these two switches act as soon as they are parsed
			}
			twin := "--no-" + m[1]
			if on, ok := strings.CutPrefix(m[1], "no-"); ok && m[1] != "no-session" {
				twin = "--" + on
			}
			switches++
			if ok, out := accepts(append(slices.Clone(command), twin)...); !ok {
				t.Errorf("%s %s is refused: %s", name, twin, out)
			}
		}
	}
	if switches < 15 {
		t.Errorf("only %d switches were found", switches)
	}
}
