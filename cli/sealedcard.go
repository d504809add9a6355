package cli

import (
	"context"
	"errors"

	"aws-vault/vault/sealed"
)

// cardOpener completes an opener whose key lies on a card.
func (a *app) cardOpener(_ context.Context, _ sealedStore, o sealed.Opener, f openerFlags) (sealed.Opener, error) {
	o.Slot, o.Card, o.Recipient = f.slot, f.card, f.recipient
	if o.Recipient == "" {
		return o, errors.New("cards are not in this build, want the public key of the slot with --recipient")
	}
	return o, nil
}
