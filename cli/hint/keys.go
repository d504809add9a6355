package hint

import (
	"errors"
	"fmt"

	"aws-vault/cli/envvar"
	"aws-vault/cli/ui"
	"aws-vault/vault/disk"
	"aws-vault/vault/enroll"
	"aws-vault/vault/keystore"
	"aws-vault/vault/rotation"
	"aws-vault/vault/store"
	"aws-vault/vault/transfer"
)

// keystoreRemedy is what to do about a keystore that stays shut, or what it holds.
func keystoreRemedy(err error, _ Facts) string {
	var none *keystore.NoKeystoreError
	var unavailable *keystore.UnavailableError
	var name *store.NameError
	var key *store.DamagedError
	var item *keystore.DamagedError
	var empty *keystore.EmptyPassphraseError
	var noRekey *keystore.NotRekeyableError
	switch {
	case errors.As(err, &noRekey) && noRekey.Backend == keystore.SealedBackend:
		return "add another passphrase, then remove the old one: aws-vault sealed add --passphrase --name=NAME, aws-vault sealed remove passphrase"
	case errors.As(err, &noRekey):
		return "name the file keystore: --backend=file"
	case errors.As(err, &empty) && empty.New:
		return "set " + envvar.FilePassphrase + " to a passphrase, or unset it to be prompted for one"
	case errors.As(err, &empty):
		return "choose a passphrase: aws-vault --backend=file rekey"
	case errors.Is(err, keystore.ErrWrongPassphrase):
		return "set " + envvar.FilePassphrase + " to the passphrase that the keys were stored with, or unset it to be asked"
	case errors.As(err, &none), errors.As(err, &unavailable):
		return "choose another keystore with --backend; file works everywhere"
	case errors.Is(err, keystore.ErrLocked):
		return "unlock the keystore and try again, or choose another with --backend"
	case errors.As(err, &name):
		return "choose another name"
	case errors.As(err, &key):
		return "store the key again: aws-vault add " + ui.QuoteWord(key.Name)
	case folderRemedy(err, Facts{}) != "":
		return "" // the item could not be stored either
	case errors.As(err, &item):
		return "store the key again: aws-vault add " + ui.QuoteWord(item.Name)
	}
	return ""
}

// stateRemedy is what to do where there is no state folder.
func stateRemedy(err error, _ Facts) string {
	if !errors.Is(err, disk.ErrNoFolder) {
		return ""
	}
	return "set XDG_STATE_HOME to a folder that belongs to you, and that you can write to"
}

// folderRemedy is what to do about what is in a folder of ours, and is not ours.
func folderRemedy(err error, _ Facts) string {
	var owner *disk.OwnerError
	var kind *disk.KindError
	switch {
	case stateRemedy(err, Facts{}) != "":
		return ""
	case errors.As(err, &owner) && owner.Self == 0:
		return fmt.Sprintf("run aws-vault as user %d, or set HOME to root's own home directory", owner.Owner)
	case errors.As(err, &owner):
		return fmt.Sprintf("remove it, or take it over: sudo chown %d %s", owner.Self, ui.QuoteWord(owner.Path))
	case errors.As(err, &kind):
		return "remove it, or move it away: " + ui.QuoteWord(kind.Path)
	}
	return ""
}

// rotationRemedy is what to do about keys and devices that were made, moved or replaced in part.
func rotationRemedy(err error, _ Facts) string {
	var unfinished *rotation.UnfinishedError
	var replaced *rotation.KeyReplacedError
	var journal *store.JournalError
	var quota *rotation.QuotaError
	var move *transfer.MoveError
	var left *enroll.LeftoverError
	switch {
	case errors.As(err, &replaced):
		return forgetRotation(replaced.Name)
	case errors.As(err, &journal):
		return forgetRotation(journal.Name)
	case errors.As(err, &unfinished):
		return fmt.Sprintf("the stored key works; finish with aws-vault rotate --resume %s, or go back with aws-vault rotate --undo %[1]s", ui.QuoteWord(unfinished.Name))
	case errors.As(err, &quota):
		return "delete the key that is not needed, or run aws-vault rotate on a terminal, which offers to"
	case errors.As(err, &move):
		return "that key stands where it was; once this is mended, the same command goes on with it"
	case errors.As(err, &left) && left.AtAWS:
		return "delete it: aws iam delete-virtual-mfa-device --serial-number " + ui.QuoteWord(left.Serial)
	}
	return ""
}

func forgetRotation(name string) string {
	return "see which keys the user has at AWS, then forget that rotation: aws-vault rotate --undo " + ui.QuoteWord(name)
}
