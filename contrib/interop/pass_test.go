//go:build interop && linux

package interop

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newPassWorld creates a world with a password store. The GPG key of the store has no passphrase.
func newPassWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, "pass")
	w.env = append(w.env, "GNUPGHOME="+filepath.Join(w.home, ".gnupg"))
	w.write(filepath.Join(".gnupg", "gpg.conf"), "batch\n")
	t.Cleanup(w.stopAgent)
	w.input("", "gpg", "--passphrase", "", "--quick-generate-key", "interop", "default", "default", "never")
	w.input("", "pass", "init", "interop")
	return w
}

// stopAgent stops the GPG agent, which gpg leaves running.
func (w *world) stopAgent() { w.input("", "gpgconf", "--kill", "all") }

// stored returns the files in the user's password store.
func (w *world) stored() []string {
	w.t.Helper()
	dir := filepath.Join(w.home, ".password-store")
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, name)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

func TestPass(t *testing.T) {
	t.Run("add, exec, list, remove", func(t *testing.T) { testKeystore(t, newPassWorld(t)) })
	t.Run("nested", func(t *testing.T) { testNested(t, newPassWorld(t)) })
	t.Run("only keys in the user's store", func(t *testing.T) {
		w := newPassWorld(t)
		w.add(w.Key)
		w.exec("true")
		if have := w.stored(); !slices.Equal(have, []string{".gpg-id", "alice.gpg"}) {
			t.Errorf("the store holds %q, want .gpg-id and alice.gpg", have)
		}
		if shown := w.input("", "pass", "show", "alice"); !strings.Contains(shown, `"Key":"alice"`) {
			t.Error("pass does not show the item")
		}
	})
	t.Run("item of aws-vault 7", func(t *testing.T) {
		w := newPassWorld(t)
		w.input(itemOfSeven(t, "alice", w.Key), "pass", "insert", "--multiline", "--force", "alice")
		w.exec("true")
		w.calls(chain...)
	})
}
