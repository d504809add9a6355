package cli

import (
	"context"
	"crypto"

	"aws-vault/vault/piv"
	"aws-vault/vault/store"
)

// useCardKey is the source.Card that a profile's private_key = piv:SLOT is used by.
func (a *app) useCardKey(locks *store.Locks) func(context.Context, string, crypto.PublicKey, func(crypto.Signer) error) error {
	return func(ctx context.Context, slot string, public crypto.PublicKey, use func(crypto.Signer) error) error {
		s, err := piv.ParseSlot(slot)
		if err != nil {
			return err
		}
		return use(a.cards(locks).Known(ctx, a.place(s), public))
	}
}

// withCardKey uses the key in a slot of a card, whatever key it is.
func (a *app) withCardKey(ctx context.Context, slot string, use func(crypto.Signer) error) error {
	locks, _, err := a.locks("certificate request")
	if err != nil {
		return err
	}
	s, err := piv.ParseSlot(slot)
	if err != nil {
		return err
	}
	key, _, err := a.cards(locks).Key(ctx, a.place(s))
	if err != nil {
		return err
	}
	return use(key)
}
