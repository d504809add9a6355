package cli

import (
	"strings"

	"aws-vault/vault/keystore"
)

// lastKeystoreFile is the file in the state folder that names the keystore.
const lastKeystoreFile = "last-keystore"

// A key that was written to one keystore is not found in another. So the last one is
// remembered, to be named when a key is missing.
func (s *session) remember() error {
	if s.state == nil {
		return nil
	}
	return s.state.Write(lastKeystoreFile, []byte(s.keystore.Name))
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
	state, err := a.state()
	if err != nil {
		return ""
	}
	raw, err := state.Read(lastKeystoreFile, 64)
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
