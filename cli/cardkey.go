package cli

import (
	"context"
	"crypto"
	"errors"
)

// errNoCard is for a build without cards.
var errNoCard = errors.New("cards are not in this build")

// withCardKey uses the private key in a slot of a card.
func (a *app) withCardKey(context.Context, string, func(crypto.Signer) error) error {
	return errNoCard
}
