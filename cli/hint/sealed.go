package hint

import (
	"errors"
	"path/filepath"
	"strings"

	"aws-vault/cli/envvar"
	"aws-vault/vault"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/sealed"
	"aws-vault/vault/keystore/unlocked"
)

// sealedRemedy returns the hint for an error from the sealed keystore.
func sealedRemedy(err error, _ Facts) string {
	var damaged *sealed.DamagedError
	var locked *keystore.LockedError
	var noTouch *vault.TouchError
	switch {
	case errors.Is(err, sealed.ErrNoStore):
		return "create a sealed keystore: aws-vault sealed init"
	case errors.Is(err, sealed.ErrWrongPassphrase):
		return "set " + envvar.SealedPassphrase + " to a passphrase of the sealed keystore, or unset it to be prompted; to use the recovery words: aws-vault sealed recover"
	case errors.Is(err, sealed.ErrNoOpener), errors.Is(err, sealed.ErrUnknownOpener), errors.As(err, &locked) && locked.Backend == keystore.SealedBackend:
		return "unlock the sealed keystore with aws-vault unlock; list its openers with aws-vault sealed openers"
	case errors.Is(err, sealed.ErrLastOpener):
		return "add another opener first: aws-vault sealed add"
	case errors.Is(err, sealed.ErrForged):
		return "restore the file from a backup, then check the keystore: aws-vault sealed check"
	case errors.As(err, &noTouch):
		return "move the keys with aws-vault migrate-backend --to sealed, then add a key that requires a touch with aws-vault sealed add --piv SLOT"
	case errors.Is(err, sealed.ErrNoHardwareOpener), errors.Is(err, sealed.ErrTouchItems):
		return "add a security key: aws-vault sealed add --piv SLOT"
	case errors.Is(err, unlocked.ErrUnsupported):
		return "use the sealed keystore without aws-vault unlock: each command then unlocks it separately"
	case errors.As(err, &damaged) && strings.HasPrefix(filepath.Base(damaged.Path), "store"):
		return "repair it from its copy: aws-vault sealed check --repair"
	}
	return ""
}
