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

// recipients is the name of the file that lists the gpg recipients of a password store. signature is the name of
// the file that contains the signature of that list. pass verifies the signature if the user has configured a
// signing key.
const (
	recipients = ".gpg-id"
	signature  = ".gpg-id.sig"
)

// maxRecipients is the maximum size of .gpg-id and of .gpg-id.sig, in bytes.
const maxRecipients = 64 << 10

// copyRecipients copies the recipients of the user's store to the private store if they have changed.
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

// recipientsDir returns the folder whose recipients apply to the prefix: the innermost folder that has a
// recipients file.
func (r passRing) recipientsDir() string {
	for sub := r.prefix; sub != "" && sub != "."; sub = filepath.Dir(sub) {
		dir := filepath.Join(r.dir, sub)
		if _, err := os.Stat(filepath.Join(dir, recipients)); err == nil {
			return dir
		}
	}
	return r.dir
}

// copyIfChanged copies the file called name from one directory (source) to another (to) if the two files differ.
// If the first directory has no such file, copyIfChanged removes the file from the second directory.
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

// underGit reports whether dir is in a git work tree, where pass commits its changes.
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
