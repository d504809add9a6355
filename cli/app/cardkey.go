package app

import (
	"context"
	"crypto"

	"aws-vault/vault/card/piv"
)

// useCardKey is the source.Card that a profile's private_key = piv:SLOT is used by.
func (q Asker) useCardKey(ctx context.Context, slot string, public crypto.PublicKey, use func(crypto.Signer) error) error {
	s, err := piv.ParseSlot(slot)
	if err != nil {
		return err
	}
	return use(q.Cards().KnownKey(ctx, CardSlot(q.app, s), public))
}

// WithCardKey uses the key in a slot of a card, whatever key it is.
func WithCardKey(ctx context.Context, a *App, slot string, use func(crypto.Signer) error) error {
	locks, _, err := a.Locks("certificate request")
	if err != nil {
		return err
	}
	s, err := piv.ParseSlot(slot)
	if err != nil {
		return err
	}
	key, _, err := a.Asker(locks).Cards().Key(ctx, CardSlot(a, s))
	if err != nil {
		return err
	}
	return use(key)
}
