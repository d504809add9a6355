package hint

import (
	"errors"

	"aws-vault/cli/envvar"
	"aws-vault/vault/card/oath"
	"aws-vault/vault/card/pcsc"
	"aws-vault/vault/card/piv"
)

// cardRemedy returns the hint for an error about a PIV key of a security key.
func cardRemedy(err error, _ Facts) string {
	var several *piv.SeveralCardsError
	var other *piv.KeyNotFoundError
	var held *piv.InUseError
	var blocked *piv.BlockedError
	var managed *piv.ManagementKeyError
	var occupied *piv.OccupiedError
	switch {
	case errors.Is(err, piv.ErrUnsupported):
		return "use a release build, or build with security key support: make build"
	case errors.Is(err, piv.ErrNoService):
		return "start the smart card service; on Linux, install pcscd and run: systemctl start pcscd.socket"
	case errors.Is(err, piv.ErrNoCard):
		return "connect the security key; if gpg's scdaemon uses it, stop scdaemon: gpgconf --kill scdaemon"
	case errors.As(err, &several):
		return "choose a security key with --card SERIAL or AWS_VAULT_CARD"
	case errors.As(err, &other):
		return "connect the security key that has this key"
	case errors.As(err, &held) && held.Program == "scdaemon":
		return "stop scdaemon, which uses the security key: gpgconf --kill scdaemon"
	case errors.As(err, &held):
		return "end the program that uses the security key, then try again"
	case errors.As(err, &blocked):
		return "unblock it with the PUK: ykman piv access unblock-pin"
	case errors.As(err, &managed):
		return "store a new management key on the security key, protected by the PIN: ykman piv access change-management-key --generate --protect"
	case errors.As(err, &occupied):
		return "use another slot with --slot, or delete the key in this slot with --replace SLOT"
	}
	return ""
}

// codeCardRemedy returns the hint for an error about the TOTP codes of a security key.
func codeCardRemedy(err error, _ Facts) string {
	var missing *oath.NotFoundError
	var several *oath.AmbiguousError
	switch {
	case errors.Is(err, pcsc.InUse):
		return "end the program that uses the security key, for example with gpgconf --kill scdaemon, then try again"
	case errors.Is(err, pcsc.ErrNoService):
		return "start the PC/SC service; on Linux, install the package pcscd"
	case errors.Is(err, pcsc.ErrUnsupported):
		return "read codes with Yubico's ykman program: --prompt=ykman"
	case errors.Is(err, oath.ErrTouch):
		return "touch the security key while it blinks"
	case errors.As(err, &missing):
		return "create the account with aws-vault mfa enroll, or set the account's name in " + envvar.OATHAccount
	case errors.As(err, &several):
		return "set the account's name in " + envvar.OATHAccount
	}
	return ""
}
