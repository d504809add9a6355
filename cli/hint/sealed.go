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

// sealedRemedy is what to do about an error of the sealed keystore.
func sealedRemedy(err error, _ Facts) string {
	var damaged *sealed.DamagedError
	var locked *keystore.LockedError
	var noTouch *vault.TouchError
	switch {
	case errors.Is(err, sealed.ErrNoStore):
		return "make one: aws-vault sealed init"
	case errors.Is(err, sealed.ErrWrongPassphrase):
		return "set " + envvar.SealedPassphrase + " to a passphrase of the store, or unset it to be asked; with the words on paper: aws-vault sealed recover"
	case errors.Is(err, sealed.ErrNoOpener), errors.Is(err, sealed.ErrUnknownOpener), errors.As(err, &locked) && locked.Backend == keystore.SealedBackend:
		return "see who opens the store: aws-vault sealed openers"
	case errors.Is(err, sealed.ErrLastOpener):
		return "add another before: aws-vault sealed add"
	case errors.Is(err, sealed.ErrForged):
		return "whoever changed the list of openers had no key of the store: put the file back from a backup, and look with aws-vault sealed check"
	case errors.As(err, &noTouch):
		return "aws-vault migrate-backend --to sealed moves keys there, and aws-vault sealed add --piv SLOT adds a key to touch"
	case errors.Is(err, sealed.ErrNoHardwareOpener), errors.Is(err, sealed.ErrTouchItems):
		return "add a hardware key: aws-vault sealed add --piv SLOT"
	case errors.Is(err, unlocked.ErrUnsupported):
		return "the store opens without that, each command for itself"
	case errors.As(err, &damaged) && strings.HasPrefix(filepath.Base(damaged.Path), "store"):
		return "mend it from its copy: aws-vault sealed check --repair"
	}
	return ""
}
