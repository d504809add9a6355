//go:build unix

package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

// interopVariable enables the tests that need installed keystores.
const interopVariable = "AWS_VAULT_TEST_INTEROP"

// skipUnlessInterop skips the test unless interop tests are enabled and all programs are installed.
func skipUnlessInterop(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getenv(interopVariable) == "" {
		t.Skipf("set %[2]s to run this test with the programs %[1]q", programs, interopVariable)
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: %v", program, err)
		}
	}
}

// awsVault7 describes how to run the program in testdata that accesses keystores as aws-vault 7 does.
type awsVault7 struct {
	path, backend string
	env           []string
}

func buildAWSVault7(t *testing.T, backend string, env ...string) awsVault7 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seven")
	if out, err := exec.Command("go", "build", "-o", path, "./testdata/seven").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return awsVault7{path: path, backend: backend, env: env}
}

func (s awsVault7) run(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(s.path, append([]string{s.backend}, args...)...)
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=none:") // use no session bus except the one in s.env
	cmd.Env = append(cmd.Env, s.env...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("aws-vault 7's %q: %v: %s", args, err, &stderr)
	}
	return out
}

// testAWSVault7 checks that our keystore and aws-vault 7 can read and list each other's items, and that
// aws-vault 7 does not list private items.
func testAWSVault7(t *testing.T, s awsVault7, k *Keystore, is ringTest) {
	ours, theirs := testItem("from us"), testItem("from aws-vault 7")
	mustPut(t, k.Keys, ours)
	mustPut(t, k.Private, testItem("private"))
	stamp, err := k.Keys.Stamp(t.Context(), ours.Name)
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, encodePayload(theirs), "set")
	wantItem(t, k.Keys, theirs, is)

	have, err := decodePayload(s.run(t, nil, "get", ours.Name))
	want := ours
	if is.dataOnly {
		want = Item{Name: ours.Name, Data: ours.Data}
	}
	if err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("aws-vault 7 reads %+v, %v, want %+v", have, err, want)
	}
	var names []string
	if err := json.Unmarshal(s.run(t, nil, "list"), &names); err != nil || len(names) != 2 {
		t.Errorf("aws-vault 7 lists %q, %v, want two", names, err)
	}
	ours.Data = []byte("changed by aws-vault 7")
	s.run(t, encodePayload(ours), "set")
	wantItem(t, k.Keys, ours, is)
	if again, err := k.Keys.Stamp(t.Context(), ours.Name); err != nil || again == stamp && !is.noStamp {
		t.Errorf("the stamp is still %q after a write by aws-vault 7, %v", again, err)
	}
	mustPut(t, k.Keys, ours)
	if names, err := k.Keys.Names(t.Context()); err != nil || len(names) != 2 {
		t.Errorf("after writes by both programs, Names = %q, %v, want two", names, err)
	}
	s.run(t, nil, "remove", ours.Name)
	if _, err := k.Keys.Item(t.Context(), ours.Name); !errors.Is(err, ErrNotFound) {
		t.Errorf("Item after aws-vault 7 removed it: %v, want %v", err, ErrNotFound)
	}
	if err := k.Keys.Remove(t.Context(), theirs.Name); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal(s.run(t, nil, "list"), &names); err != nil || len(names) != 0 {
		t.Errorf("aws-vault 7 lists %q, %v, want none", names, err)
	}
	if err := k.Private.Remove(t.Context(), "private"); err != nil {
		t.Error(err)
	}
}
