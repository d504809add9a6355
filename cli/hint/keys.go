package hint

import (
	"errors"
	"fmt"

	"aws-vault/cli/envvar"
	"aws-vault/cli/ui"
	"aws-vault/vault/configfile"
	"aws-vault/vault/disk"
	"aws-vault/vault/enroll"
	"aws-vault/vault/keystore"
	"aws-vault/vault/rotation"
	"aws-vault/vault/store"
	"aws-vault/vault/transfer"
)

// keystoreRemedy returns the hint for a keystore that cannot be opened, or for a damaged item in it.
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
		return "add a new passphrase with aws-vault sealed add --passphrase --name=NAME, then remove the old one with aws-vault sealed remove passphrase"
	case errors.As(err, &noRekey):
		return "select the file keystore: --backend=file"
	case errors.As(err, &empty) && empty.New:
		return "set " + envvar.FilePassphrase + " to a passphrase, or unset it to be prompted for one"
	case errors.As(err, &empty):
		return "choose a passphrase: aws-vault --backend=file rekey"
	case errors.Is(err, keystore.ErrWrongPassphrase):
		return "set " + envvar.FilePassphrase + " to the passphrase that the keys were stored with, or unset it to be prompted"
	case errors.As(err, &none), errors.As(err, &unavailable):
		return "choose another keystore with --backend; --backend=file works everywhere"
	case errors.Is(err, keystore.ErrLocked):
		return "unlock the keystore and try again, or choose another keystore with --backend"
	case errors.As(err, &name):
		return "choose another name"
	case errors.As(err, &key):
		return "store the key again: aws-vault add " + ui.QuoteWord(key.Name)
	case folderRemedy(err, Facts{}) != "":
		return "" // storing the key again would fail for the same reason
	case errors.As(err, &item):
		return "store the key again: aws-vault add " + ui.QuoteWord(item.Name)
	}
	return ""
}

// stateRemedy returns the hint for a state folder that cannot be used.
func stateRemedy(err error, _ Facts) string {
	var noLocks *disk.NoLocksError
	switch {
	case errors.Is(err, disk.ErrNoFolder):
		return "set XDG_STATE_HOME to a folder that you own and can write to"
	case errors.As(err, &noLocks):
		return "set XDG_STATE_HOME to a folder on a disk of this machine"
	}
	return ""
}

// folderRemedy returns the hint for a file in aws-vault's folders with the wrong owner or type.
func folderRemedy(err error, _ Facts) string {
	var owner *disk.OwnerError
	var kind *disk.KindError
	switch {
	case stateRemedy(err, Facts{}) != "":
		return ""
	case errors.As(err, &owner) && owner.Self == 0:
		return fmt.Sprintf("run aws-vault as user %d, or set HOME to root's own home directory", owner.Owner)
	case errors.As(err, &owner):
		return fmt.Sprintf("remove it, or change its owner: sudo chown %d %s", owner.Self, ui.QuoteWord(owner.Path))
	case errors.As(err, &kind) && !kind.Chosen:
		return "remove or move it: " + ui.QuoteWord(kind.Path)
	}
	return ""
}

// sharedConfigRemedy returns the hint for a config file that other users can change.
func sharedConfigRemedy(err error, _ Facts) string {
	var shared *configfile.SharedError
	if !errors.As(err, &shared) {
		return ""
	}
	fix := "chmod go-w "
	if shared.File.ForeignOwner() {
		fix = fmt.Sprintf("sudo chown %d ", shared.File.Self)
	}
	return fix + ui.QuoteWord(shared.File.Path) + "; or, if you trust everyone who can change the file, set " + envvar.TrustConfig + "=1"
}

// rotationRemedy returns the hint for a rotation, migration or MFA enrollment that was not completed.
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
		return fmt.Sprintf("the stored key works; finish the rotation with aws-vault rotate --resume %s, or undo it with aws-vault rotate --undo %[1]s", ui.QuoteWord(unfinished.Name))
	case errors.As(err, &quota):
		return "delete the access key that you do not need, or run aws-vault rotate in a terminal, which offers to delete it"
	case errors.As(err, &move):
		return "the key is still in its old keystore; fix the problem, then run the same command again to continue"
	case errors.As(err, &left) && left.AtAWS:
		return "delete it: aws iam delete-virtual-mfa-device --serial-number " + ui.QuoteWord(left.Serial)
	}
	return ""
}

func forgetRotation(name string) string {
	return "check which access keys the user has at AWS, then discard the rotation: aws-vault rotate --undo " + ui.QuoteWord(name)
}
