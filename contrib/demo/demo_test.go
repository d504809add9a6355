package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestShow runs the whole demo in the same way as make demo.
func TestShow(t *testing.T) {
	program := filepath.Join(t.TempDir(), "aws-vault.exe") // Windows needs the extension; other systems ignore it
	if out, err := exec.Command("go", "build", "-o", program, "../..").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	var out bytes.Buffer
	if err := show(t.Context(), &out, program); err != nil {
		t.Fatalf("%v after:\n%s", err, &out)
	}
	for _, want := range []string{
		"$ aws-vault add --stdin alice",
		"4. assume role (profile prod)",
		"I am prod\n",
		"AWS_VAULT=prod\n",
		`"Version": 1`,
		"AWS was called 3 times",
		"#   GetSessionToken duration=28800 mfa=alice",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	if n := strings.Count(out.String(), "I am prod\n"); n != 2 {
		t.Errorf("prod spoke %d times, want 2", n)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("the demo left %v, %v", left, err)
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestShowFails(t *testing.T) {
	var out bytes.Buffer
	if err := show(t.Context(), &out, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no program, and no error")
	}
	if strings.Contains(out.String(), "explain") {
		t.Errorf("it went on after the failure:\n%s", &out)
	}
}

func TestShorten(t *testing.T) {
	const long = "EXAMPLETOKEN/of/ASIAAAAAAAAAJEXAMPLE/Px1OzyjtWw3qHC5ZcjMSQ1RD8R6="
	for text, want := range map[string]string{
		"AWS_SESSION_TOKEN=" + long:              "AWS_SESSION_TOKEN=EXAMPLETOKEN/of/…",
		`"SessionToken": "` + long + `",`:        `"SessionToken": "EXAMPLETOKEN/of/…",`,
		"arn:aws:iam::210987654321:role/prod":    "arn:aws:iam::210987654321:role/prod",
		"AWS_ENDPOINT_URL=http://127.0.0.1:1234": "AWS_ENDPOINT_URL=http://127.0.0.1:1234",
	} {
		if have := shorten(text); have != want {
			t.Errorf("shorten(%q) = %q, want %q", text, have, want)
		}
	}
}
