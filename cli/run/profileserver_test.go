package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"aws-vault/prompt"
	"aws-vault/vault/keystore"
)

// A failed reload is repeated, but not if the user has cancelled a prompt.
func TestMayRetry(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {prompt.ErrCancelled, false}, {errors.New("x"), true},
		{fmt.Errorf("x: %w", &keystore.LockedError{Reason: "no prompt is possible"}), true},
		{fmt.Errorf("x: %w", &keystore.LockedError{Dismissed: true}), false},
	} {
		if got := mayRetry(tt.err); got != tt.want {
			t.Errorf("mayRetry(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

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
