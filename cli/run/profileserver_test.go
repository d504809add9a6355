package run

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSameFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	files := []string{path}
	before := statFiles(files)
	if !sameFiles(before, statFiles(files)) {
		t.Error("a missing file counts as changed, expected unchanged")
	}
	for _, text := range []string{"a", "ab", "abc"} {
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		if now := statFiles(files); sameFiles(before, now) || !sameFiles(now, statFiles(files)) {
			t.Errorf("the change to %q was not detected", text)
		} else {
			before = now
		}
	}
}
