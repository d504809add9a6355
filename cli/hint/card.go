package hint

import (
	"errors"

	"aws-vault/cli/envvar"
	"aws-vault/vault/card/oath"
	"aws-vault/vault/card/pcsc"
	"aws-vault/vault/card/piv"
)

// cardRemedy is what to do about the keys of a card.
func cardRemedy(err error, _ Facts) string {
	var several *piv.SeveralCardsError
	var other *piv.KeyNotFoundError
	var held *piv.InUseError
	var blocked *piv.BlockedError
	var managed *piv.ManagementKeyError
	var occupied *piv.OccupiedError
	switch {
	case errors.Is(err, piv.ErrUnsupported):
		return "use a release, or build it with hardware keys: make build"
	case errors.Is(err, piv.ErrNoService):
		return "start the service that reads cards: on Linux install pcscd, and: systemctl start pcscd.socket"
	case errors.Is(err, piv.ErrNoCard):
		return "plug it in; gpg's scdaemon may keep it to itself, and lets it go with: gpgconf --kill scdaemon"
	case errors.As(err, &several):
		return "name one with --card or AWS_VAULT_CARD"
	case errors.As(err, &other):
		return "plug in the one that does"
	case errors.As(err, &held) && held.Program == "scdaemon":
		return "have it let the key go: gpgconf --kill scdaemon"
	case errors.As(err, &held):
		return "end what uses the key, and try again"
	case errors.As(err, &blocked):
		return "unblock it with the PUK: ykman piv access unblock-pin"
	case errors.As(err, &managed):
		return "let the PIN guard it: ykman piv access change-management-key --generate --protect"
	case errors.As(err, &occupied):
		return "take another slot, or name this one to lose the key in it"
	}
	return ""
}

// codeCardRemedy is what to do about the one-time codes of a card.
func codeCardRemedy(err error, _ Facts) string {
	var missing *oath.NotFoundError
	var several *oath.AmbiguousError
	switch {
	case errors.Is(err, pcsc.InUse):
		return "end the program that holds it, such as gpgconf --kill scdaemon, and try again"
	case errors.Is(err, pcsc.ErrNoService):
		return "start the system's PC/SC service, on Linux pcscd (package pcscd)"
	case errors.Is(err, pcsc.ErrUnsupported):
		return "have codes read by Yubico's program, with --prompt=ykman"
	case errors.Is(err, oath.ErrTouch):
		return "touch the key while it blinks"
	case errors.As(err, &missing):
		return "store its secret there with aws-vault mfa enroll, or name the account in " + envvar.OATHAccount
	case errors.As(err, &several):
		return "name the account in " + envvar.OATHAccount
	}
	return ""
}
