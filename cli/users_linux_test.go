package cli_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
)

// TestServerRefusesOtherUsers runs a command with a server. If another user connects to the server, even with the
// token, the server must provide no credentials. The user who runs the command must see one warning.
func TestServerRefusesOtherUsers(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	const fetch = "/run/fetch"
	if err := os.Symlink(sharedBinary, fetch); err != nil {
		t.Fatal(err)
	}
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, _ := home(t, aws)
	for flag, ask := range map[string]string{
		"--ecs-server":          fetch + " -t $AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"--ec2-server --imdsv1": fetch + " ${AWS_EC2_METADATA_SERVICE_ENDPOINT}latest/meta-data/iam/security-credentials/local-credentials",
	} {
		script := "unset " + programVariable + "; " + ask + "; for i in 1 2 3 4 5; do setpriv --reuid=65534 --clear-groups " + ask + "; done"
		args := append(append([]string{"exec"}, strings.Fields(flag)...), "alice", "--", "sh", "-c", script)
		c := exec.Command(os.Args[0], args...)
		c.Env = environ
		var output strings.Builder
		c.Stderr = &output
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", flag, err, &output)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != 6 || !strings.HasPrefix(lines[0], "200 ") {
			t.Fatalf("%s: %q", flag, lines)
		}
		for _, line := range lines[1:] {
			if !strings.HasPrefix(line, "403 ") || strings.Contains(line, "SecretAccessKey") {
				t.Errorf("%s: another user gets %s", flag, line)
			}
		}
		if want := "aws-vault: warning: connection from user 65534 refused, expected user 0 or root\n"; strings.Count(output.String(), want) != 1 {
			t.Errorf("%s: want one warning in stderr: %s", flag, &output)
		}
	}
}
