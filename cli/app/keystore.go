package app

import (
	"errors"
	"strings"

	"aws-vault/vault/keystore"
)

// Reason returns why a keystore cannot be used. It leaves out the keystore's name, for tables that have a
// column for the name.
func Reason(err error) string {
	var unavailable *keystore.UnavailableError
	if errors.As(err, &unavailable) {
		return unavailable.Reason
	}
	return err.Error()
}

// lastKeystoreFile is the file in the state folder with the name of the keystore that was written to last.
const lastKeystoreFile = "last-keystore"

// RememberKeystore stores the name of the keystore in the state folder. If a key is missing later, a hint
// names this keystore. Without a state folder it does nothing.
func (s *Session) RememberKeystore() error {
	if s.State == nil {
		return nil
	}
	return s.State.Write(lastKeystoreFile, []byte(s.Keystore.Name))
}

// PreviousKeystore returns the keystore that keys were last written to, or an empty string if that keystore
// is open now or unknown.
func PreviousKeystore(a *App) string {
	if name := LastWrittenKeystore(a); name != a.KeystoreName {
		return name
	}
	return ""
}

// LastWrittenKeystore returns the keystore that keys were last written to, or an empty string if it is
// unknown or this build does not support it.
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
