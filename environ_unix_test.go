//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEnvironmentOfProgramsAndCommand checks that a credential_process gets the complete environment of aws-vault.
// The command that aws-vault exec runs must get no keystore passphrase, no credentials and no profile name from
// this environment.
func TestEnvironmentOfProgramsAndCommand(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("keys", "#!/bin/sh\nenv >"+dir+"/keys.env\n"+
		`echo '{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"EXAMPLESECRET","SessionToken":"EXAMPLETOKEN"}'`+"\n")
	write(".aws/config", "[profile p]\ncredential_process = "+dir+"/keys\n")
	secrets := []string{"AWS_VAULT_FILE_PASSPHRASE=a1", "AWS_VAULT_SEALED_PASSPHRASE=a2", "AWS_VAULT_OP_CONNECT_TOKEN=a3", "AWS_SESSION_TOKEN=a4", "AWS_PROFILE=a5"}
	c := exec.Command(os.Args[0], "exec", "p", "--", "sh", "-c", "env >"+dir+"/command.env")
	c.Env = append([]string{
		asProgram + "=1", "HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), "AWS_VAULT_BACKEND=file", "AN_OTHER=variable",
	}, secrets...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for file, want := range map[string]bool{"keys.env": true, "command.env": false} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(string(text), "\n")
		for _, kv := range secrets {
			if slices.Contains(got, kv) != want {
				t.Errorf("%s contains %s: %v, want %v", file, kv, !want, want)
			}
		}
		if !slices.Contains(got, "AN_OTHER=variable") {
			t.Errorf("%s has no AN_OTHER=variable: %q", file, got)
		}
	}
}
