package app

import (
	"errors"
	"strings"

	"aws-vault/vault/keystore"
)

// Reason returns why a keystore cannot be used. For a [*keystore.UnavailableError], the text does not contain the
// name of the keystore, because callers print the name separately.
func Reason(err error) string {
	var unavailable *keystore.UnavailableError
	if errors.As(err, &unavailable) {
		return unavailable.Reason
	}
	return err.Error()
}

// lastKeystoreFile is a file in the state folder. It contains the name of the keystore to which a key was last written.
const lastKeystoreFile = "last-keystore"

// RememberKeystore stores the name of the open keystore in the state folder. If a key is not found later, a hint names
// this keystore. If there is no state folder, RememberKeystore does nothing.
func (s *Session) RememberKeystore() error {
	if s.State == nil {
		return nil
	}
	return s.State.Write(lastKeystoreFile, []byte(s.Keystore.Name))
}

// PreviousKeystore returns the keystore to which keys were last written. It returns an empty string if that keystore is
// in use now, or is not known.
func PreviousKeystore(a *App) string {
	if name := LastWrittenKeystore(a); name != a.KeystoreName {
		return name
	}
	return ""
}

// LastWrittenKeystore returns the keystore to which keys were last written. It returns an empty string if that keystore
// is not known, or is not supported by this build.
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
