//go:build unix

package keystore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"aws-vault/vault/disk"
)

// recipients is the file of a password store that says for whom gpg seals; signature is there
// where the user has pass check who wrote it.
const (
	recipients = ".gpg-id"
	signature  = ".gpg-id.sig"
)

// maxRecipients bounds those files.
const maxRecipients = 64 << 10

// copyRecipients gives a store of our own the recipients of the user's, whenever those have changed.
func (r passRing) copyRecipients() error {
	if r.userStore == nil {
		return nil
	}
	if err := r.privateDir.Make(); err != nil {
		return err
	}
	from := r.userStore.recipientsDir()
	for _, name := range []string{recipients, signature} {
		if err := copyIfChanged(from, r.privateDir, name); err != nil {
			return err
		}
	}
	return nil
}

// recipientsDir is the innermost folder on the way to the prefix that names recipients.
func (r passRing) recipientsDir() string {
	for sub := r.prefix; sub != "" && sub != "."; sub = filepath.Dir(sub) {
		dir := filepath.Join(r.dir, sub)
		if _, err := os.Stat(filepath.Join(dir, recipients)); err == nil {
			return dir
		}
	}
	return r.dir
}

// copyIfChanged makes the file called name the same as that in the directory from, which may be missing.
func copyIfChanged(source string, to *disk.Folder, name string) error {
	content, err := disk.ReadBounded(filepath.Join(source, name), maxRecipients)
	if errors.Is(err, fs.ErrNotExist) {
		if err := to.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	if current, err := to.Read(name, maxRecipients); err == nil && bytes.Equal(current, content) {
		return nil
	}
	return to.Write(name, content)
}

// underGit reports whether dir is in a work tree, where pass commits what it changes.
func underGit(dir string) bool {
	for {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
}
