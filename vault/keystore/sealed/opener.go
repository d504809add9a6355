package sealed

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"aws-vault/vault/ascii"
)

// The kinds of openers.
const (
	Passphrase = "passphrase" // an age identity in a file of the store, encrypted with a passphrase
	Card       = "piv"        // a P-256 key on a PIV card
	Plugin     = "plugin"     // a key of an age plugin
	Recovery   = "recovery"   // an age identity that the user has written down as words
)

// An Opener is one way to unlock a store.
type Opener struct {
	Name      string `json:"name"` // chosen by the user
	Kind      string `json:"kind"`
	Recipient string `json:"recipient"`          // the public key in age's format
	Card      uint32 `json:"card,omitempty"`     // the serial number of the card
	Slot      string `json:"slot,omitempty"`     // the card's PIV slot, as two hexadecimal digits
	Identity  string `json:"identity,omitempty"` // tells the plugin where to find its key; not secret
	Digest    string `json:"digest,omitempty"`   // the hash of the identity file of a passphrase opener
}

// Hardware reports whether the opener's key is in hardware and cannot be copied.
func (o Opener) Hardware() bool { return o.Kind == Card || o.Kind == Plugin }

// validateName checks only the opener's name, because it runs at each read of the header. The public key is
// checked later, when a key is encrypted for the opener. This saves elliptic-curve arithmetic in most commands.
func (o Opener) validateName() error {
	if !validName(o.Name) {
		return &OpenerError{o.Name, errors.New("invalid name, expected 1 to 32 letters, digits, dots, dashes and underscores")}
	}
	return nil
}

func (o Opener) validate() error {
	if err := o.validateName(); err != nil {
		return err
	}
	if _, err := o.recipient(nil); err != nil {
		return &OpenerError{o.Name, err}
	}
	if o.Kind == Plugin {
		if _, err := plugin.NewIdentity(o.Identity, nil); err != nil {
			return &OpenerError{o.Name, errors.New("this is not the identity of an age plugin, expected AGE-PLUGIN-…")}
		}
	}
	return nil
}

func validName(name string) bool {
	return name != "" && len(name) <= 32 && strings.IndexFunc(name, func(r rune) bool {
		return !ascii.IsAlphanumeric(r) && !strings.ContainsRune(".-_", r)
	}) < 0
}

// recipient returns the age recipient for the opener. A plugin uses ui to interact with the user.
func (o Opener) recipient(ui *plugin.ClientUI) (age.Recipient, error) {
	switch o.Kind {
	case Passphrase, Recovery:
		r, err := age.ParseX25519Recipient(o.Recipient)
		if err != nil {
			return nil, errors.New("the recipient is not an X25519 key, expected age1…")
		}
		return r, nil
	case Card:
		return parseTagRecipient(o.Recipient)
	case Plugin:
		r, err := plugin.NewRecipient(o.Recipient, ui)
		if err != nil {
			return nil, errors.New("this is not the recipient of an age plugin, expected age1NAME1…")
		}
		return r, nil
	}
	return nil, fmt.Errorf("the kind is %.20q, expected one of %s, %s, %s, %s", o.Kind, Passphrase, Card, Plugin, Recovery)
}
