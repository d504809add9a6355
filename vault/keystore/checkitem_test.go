package keystore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"aws-vault/vault/disk"
)

func TestCheckItem(t *testing.T) {
	dir := t.TempDir()
	prompted := false
	k, err := Open(t.Context(), Config{
		Backend: "file", FileDir: filepath.Join(dir, "keys"), State: disk.NewFolder(filepath.Join(dir, "state")), Home: dir,
		Passphrase: func(context.Context, PassphrasePrompt) (string, error) { prompted = true; return "horse", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Keys.Put(t.Context(), Item{Name: "alice", Data: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "keys", "alice")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	prompted = false
	for _, tt := range []struct {
		text    string
		damaged bool
	}{{string(text), false}, {string(text[:len(text)/3]), true}, {"", true}, {"garbage", true}} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var damaged *DamagedError
		if err := CheckItem(t.Context(), k.Keys, "alice"); errors.As(err, &damaged) != tt.damaged {
			t.Errorf("%.20q: %v, want damaged: %v", tt.text, err, tt.damaged)
		}
	}
	if err := CheckItem(t.Context(), k.Keys, "bob"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a missing item returned %v", err)
	}
	if prompted {
		t.Error("CheckItem prompted for the passphrase")
	}
}
