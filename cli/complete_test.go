package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aws-vault/cli"
	"aws-vault/cli/app"
	"aws-vault/contrib/completions"
)

// complete returns the completion candidates for the last word, and the exit status.
func complete(t *testing.T, home string, words ...string) ([]string, int) {
	t.Helper()
	var out, errs bytes.Buffer
	status := cli.Main(t.Context(), append([]string{"--completion-bash"}, words...), app.Env{
		Stdout: &out, Stderr: &errs, Home: home, Getenv: func(string) (string, bool) { return "", false },
	})
	if errs.Len() > 0 {
		t.Errorf("%q: stderr has %q", words, errs.String())
	}
	return strings.Fields(out.String()), status
}

const completionConfig = "[default]\n[profile prod]\n[profile prod-admin]\n[sso-session s]\n[session-policy careful]\n[profile dev]\n[identity alice]\n[profile \"a\tb\"]\n"

func completionHome(t *testing.T, config string) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

func TestCompletion(t *testing.T) {
	home := completionHome(t, completionConfig)
	for _, test := range []struct{ typed, want string }{
		{"exp", "export explain"},
		{"exec|", "default prod prod-admin dev"},
		{"exec|pro", "prod prod-admin"},
		{"exec|-n|pro", "prod prod-admin"},
		{"--debug|exec|--region|eu-west-1|pro", "prod prod-admin"},
		{"exec|-d|1h|pro", "prod prod-admin"},
		{"exec|-nd|1h|pro", "prod prod-admin"},
		{"exec|--duration=1h|pro", "prod prod-admin"},
		{"exec|--region|", ""},
		{"exec|--no-s", "--no-session"},
		{"exec|--re", "--region --read-only"},
		{"exec|prod|--re", "--region --read-only"},
		{"exec|--policy|", "careful"},
		{"add|--no", "--no-add-config"},
		{"add|prod|", ""},
		{"import|prod|de", "default dev"},
		{"--backend|f", "file"},
		{"--backend=f", "--backend=file"},
		{"--backend|=|f", "file"},
		{"migrate-backend|--from|fi", "file"},
		{"export|--format|f", "fish"},
		{"--prompt|ter", "terminal"},
		{"ls|--cre", "--credentials"},
		{"nonsense|", ""},
		{"rm|d", "default dev"},
		{"identity|verify|", "alice"},
	} {
		t.Run(test.typed, func(t *testing.T) {
			got, status := complete(t, home, strings.Split(test.typed, "|")...)
			if status != 0 {
				t.Errorf("the exit status is %d", status)
			}
			if want := strings.Fields(test.want); !slices.Equal(got, want) {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
	if got, _ := complete(t, home, "exec", "prod", "--"); !slices.Contains(got, "--region") {
		t.Errorf("the candidates for \"--\" are %q", got)
	}
	if got, _ := complete(t, home); !slices.Contains(got, "exec") {
		t.Errorf("the candidates for an empty line are %q", got)
	}
}

// TestCompletionOfExecCommand checks the completion of words after the profile of exec. The program must only
// print the position of the command that exec runs, because the shell completes the words of that command.
func TestCompletionOfExecCommand(t *testing.T) {
	home := completionHome(t, completionConfig)
	for typed, want := range map[string]string{
		"exec|prod|":          "2",
		"exec|prod|aws|s3|--": "2",
		"exec|prod|--|aws|":   "3",
		"exec|-n|prod|--|":    "4",
		"exec|--|l":           "2",
	} {
		got, status := complete(t, home, strings.Split(typed, "|")...)
		if status != 3 || !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q with status %d, want %s with status 3", typed, got, status, want)
		}
	}
}

// TestCompletionReadsTheConfigOnly checks that a completion of profiles writes no files and opens no keystore. An
// unknown keystore, a missing config file or a broken config file must cause no error.
func TestCompletionReadsTheConfigOnly(t *testing.T) {
	var config strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&config, "[profile account-%d-admin]\nregion = eu-west-1\nsource_profile = nowhere\n", i)
	}
	home := completionHome(t, config.String())
	got, _ := complete(t, home, "--backend", "nonsense", "exec", "account-4")
	if len(got) != 1111 {
		t.Errorf("%d candidates, want 1111", len(got))
	}
	entries, err := os.ReadDir(home)
	if err != nil || len(entries) != 1 {
		t.Errorf("the home has %v, %v, want no new files", entries, err)
	}
	if got, _ := complete(t, t.TempDir(), "exec", ""); len(got) != 0 {
		t.Errorf("without a config: %q", got)
	}
	broken := completionHome(t, "\xff\xfea\x00")
	if got, _ := complete(t, broken, "exec", ""); len(got) != 0 {
		t.Errorf("with a broken config: %q", got)
	}
}

func TestCompletionScripts(t *testing.T) {
	for flag, want := range map[string]string{"bash": completions.Bash, "zsh": completions.Zsh, "fish": completions.Fish} {
		var out bytes.Buffer
		status := cli.Main(t.Context(), []string{"--completion-script-" + flag}, app.Env{Stdout: &out})
		if status != 0 || out.String() != want || want == "" {
			t.Errorf("%s: status %d, %d bytes", flag, status, out.Len())
		}
	}
}
