package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"aws-vault/internal/testproc"
)

// functions contains the functions of the tests that package testproc can run in other processes.
var functions = map[string]testproc.Func{}

func TestMain(m *testing.M) { testproc.Main(m, functions) }

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path, content string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || string(data) != content {
		t.Errorf("%s holds %.40q (%d bytes, %v), want %.40q", filepath.Base(path), data, len(data), err, content)
	}
}

// wantOnly checks that the directory contains these names and no others.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if fmt.Sprint(have) != fmt.Sprint(names) {
		t.Errorf("the directory holds %q, want %q", have, names)
	}
}
