package cli

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/piv"
	"aws-vault/vault/sealed"
	"aws-vault/vault/store"
)

// openerKey finds the key of an opener on a card, and asks nobody.
func (a *app) openerKey(locks *store.Locks) func(context.Context, sealed.Opener) (sealed.Exchanger, func(), error) {
	return func(ctx context.Context, o sealed.Opener) (sealed.Exchanger, func(), error) {
		slot, err := piv.ParseSlot(o.Slot)
		if err != nil {
			return nil, nil, err
		}
		key, _, err := a.cards(locks).Key(ctx, piv.Place{Serial: o.Card, Slot: slot})
		switch {
		case err == nil:
			return key, func() {}, nil
		case errors.Is(err, piv.ErrNoCard), errors.Is(err, piv.ErrUnsupported), errors.Is(err, piv.ErrNoService):
			return nil, nil, fmt.Errorf("%w: %w", sealed.ErrAbsent, err)
		}
		return nil, nil, err
	}
}

// cardOpener completes an opener whose key lies on a card, which need not be here if its public
// key is known. A slot without a key gets one.
func (a *app) cardOpener(ctx context.Context, s sealedStore, o sealed.Opener, f openerFlags) (sealed.Opener, error) {
	slot, err := piv.ParseSlot(f.slot)
	if err != nil {
		return o, &usageError{fmt.Sprintf("--piv: %v", err)}
	}
	o.Slot, o.Card, o.Recipient = slot.String(), a.globals.card, f.recipient
	if o.Recipient != "" {
		if o.Card == 0 {
			return o, &usageError{"want --card beside --recipient, so that the card is found again"}
		}
		return o, nil
	}
	key, info, err := a.cards(s.locks).Key(ctx, a.place(slot))
	var empty *piv.EmptyError
	if errors.As(err, &empty) {
		key, info, err = a.makeOpenerKey(ctx, s, a.place(slot), f.pin)
	}
	if err != nil {
		return o, err
	}
	o.Card = key.Place().Serial
	if f.name == "" {
		o.Name = fmt.Sprintf("card-%d", o.Card)
	}
	a.note("%s: %s, PIN %s, touch %s", key.Place(), info.Algorithm, info.PIN, info.Touch)
	if info.Touch == piv.TouchNever {
		a.note("this key opens the store without a touch, for whatever runs while its card is here")
	}
	o.Recipient, err = sealed.CardRecipient(key.PublicKey())
	return o, err
}

// makeOpenerKey makes a key in a slot that no other program counts on. It always wants a touch.
func (a *app) makeOpenerKey(ctx context.Context, s sealedStore, at piv.Place, pin string) (*piv.Key, piv.KeyInfo, error) {
	if !at.Slot.Retired() {
		return nil, piv.KeyInfo{}, &usageError{fmt.Sprintf("%s holds no key, and other programs count on that slot: want one of 82 to 95", at)}
	}
	policy := piv.PINNever
	switch pin {
	case "once":
		policy = piv.PINOnce
	case "always":
		policy = piv.PINAlways
	}
	made, err := a.cards(s.locks).Generate(ctx, at, piv.Request{Algorithm: piv.P256, PIN: policy, Touch: piv.TouchAlways})
	if err != nil {
		return nil, piv.KeyInfo{}, err
	}
	a.print("Made a key in %s.\n", made.Key.Place())
	if made.DefaultManagementKey {
		a.note("the card's management key is the one that all cards are made with: whoever has the card can replace its keys")
	}
	return made.Key, made.Info, nil
}
