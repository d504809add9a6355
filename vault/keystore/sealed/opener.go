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
	Passphrase = "passphrase" // an identity in a file beside the items, under a passphrase
	Card       = "piv"        // a P-256 key in a slot of a PIV card
	Plugin     = "plugin"     // an age plugin's
	Recovery   = "recovery"   // an identity that is written down as words
)

// An Opener is one way to open a store.
type Opener struct {
	Name      string `json:"name"` // chosen by its user
	Kind      string `json:"kind"`
	Recipient string `json:"recipient"`          // age's form of its public key
	Card      uint32 `json:"card,omitempty"`     // the serial number of a card
	Slot      string `json:"slot,omitempty"`     // of that card, as two hexadecimal digits
	Identity  string `json:"identity,omitempty"` // what a plugin needs to find its key again: no secret
	Digest    string `json:"digest,omitempty"`   // of the file of a passphrase's identity
}

// Hardware reports whether the opener's key cannot be copied, so that opening takes its presence.
func (o Opener) Hardware() bool { return o.Kind == Card || o.Kind == Plugin }

// validateName is what is looked at whenever the store is opened. Its key is looked at when something
// is wrapped to it: a command that finds the store unlocked does no arithmetic on curves.
func (o Opener) validateName() error {
	if !validName(o.Name) {
		return &OpenerError{o.Name, errors.New("want a name of 1 to 32 letters, digits, points, dashes and underlines")}
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
			return &OpenerError{o.Name, errors.New("its identity is not an age plugin's, want AGE-PLUGIN-…")}
		}
	}
	return nil
}

func validName(name string) bool {
	return name != "" && len(name) <= 32 && strings.IndexFunc(name, func(r rune) bool {
		return !ascii.IsAlphanumeric(r) && !strings.ContainsRune(".-_", r)
	}) < 0
}

// recipient is whom a key is wrapped to. A plugin's says what it has to by ui.
func (o Opener) recipient(ui *plugin.ClientUI) (age.Recipient, error) {
	switch o.Kind {
	case Passphrase, Recovery:
		r, err := age.ParseX25519Recipient(o.Recipient)
		if err != nil {
			return nil, errors.New("its recipient is not an X25519 key, want age1…")
		}
		return r, nil
	case Card:
		return parseTagRecipient(o.Recipient)
	case Plugin:
		r, err := plugin.NewRecipient(o.Recipient, ui)
		if err != nil {
			return nil, errors.New("its recipient is not an age plugin's, want age1NAME1…")
		}
		return r, nil
	}
	return nil, fmt.Errorf("its kind is %.20q, want one of %s, %s, %s, %s", o.Kind, Passphrase, Card, Plugin, Recovery)
}
