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
	if name := a.writtenKeystore(); name != a.opened {
		return name
	}
	return ""
}

// writtenKeystore is the keystore that keys were last written to, as far as this build
// knows one of that name.
func (a *app) writtenKeystore() string {
	dir, err := a.stateDir()
	if err != nil {
		return ""
	}
	raw, err := disk.ReadBounded(filepath.Join(dir, "last-keystore"), 64)
	if err != nil {
		return ""
	}
	name := strings.TrimSpace(string(raw))
	for _, b := range keystore.Backends() {
		if b == name {
			return name
		}
	}
	return ""
}
