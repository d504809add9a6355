package app

import (
	"context"
	"crypto"

	"aws-vault/vault/card/piv"
)

// useCardKey calls the function use with the private key in a slot of a security key, for profiles with the
// setting private_key = piv:SLOT. It returns an error if the key in the slot does not match the parameter public.
func (q Asker) useCardKey(ctx context.Context, slot string, public crypto.PublicKey, use func(crypto.Signer) error) error {
	s, err := piv.ParseSlot(slot)
	if err != nil {
		return err
	}
	return use(q.Cards().KnownKey(ctx, CardSlot(q.app, s), public))
}

// WithCardKey calls the function use with the private key in a slot of a security key. The slot may contain any key.
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
