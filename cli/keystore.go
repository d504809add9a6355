package cli

import (
	"path/filepath"
	"strings"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
)

// A key that was written to one keystore is not found in another. So the last one is
// remembered, to be named when a key is missing.
func (s *session) remember() error {
	if err := disk.MkdirPrivate(s.state); err != nil {
		return err
	}
	return disk.Replace(filepath.Join(s.state, "last-keystore"), []byte(s.keystore.Name), 0o600)
}

// lastKeystore is the keystore that keys were last written to, if it is another than the
// one that was opened now.
func (a *app) lastKeystore() string {
	dir, err := a.stateDir()
	if err != nil {
		return ""
	}
	raw, err := disk.ReadBounded(filepath.Join(dir, "last-keystore"), 64)
	name := strings.TrimSpace(string(raw))
	if err != nil || name == a.opened {
		return ""
	}
	for _, b := range keystore.Backends() {
		if b == name {
			return name
		}
	}
	return ""
}
