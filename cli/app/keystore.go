package app

import (
	"errors"
	"strings"

	"aws-vault/vault/keystore"
)

// Reason is why a keystore cannot be used, without its name, which stands beside it.
func Reason(err error) string {
	var unavailable *keystore.UnavailableError
	if errors.As(err, &unavailable) {
		return unavailable.Reason
	}
	return err.Error()
}

// lastKeystoreFile is the file in the state folder that names the keystore.
const lastKeystoreFile = "last-keystore"

// A key that was written to one keystore is not found in another. So the last one is
// remembered, to be named when a key is missing.
func (s *Session) RememberKeystore() error {
	if s.State == nil {
		return nil
	}
	return s.State.Write(lastKeystoreFile, []byte(s.Keystore.Name))
}

// PreviousKeystore is the keystore that keys were last written to, if it is another than the
// one that was opened now.
func PreviousKeystore(a *App) string {
	if name := LastWrittenKeystore(a); name != a.KeystoreName {
		return name
	}
	return ""
}

// LastWrittenKeystore is the keystore that keys were last written to, as far as this build
// knows one of that name.
func LastWrittenKeystore(a *App) string {
	state, err := a.State()
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
