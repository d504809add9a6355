package sealed

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/cli/app"
	"aws-vault/vault/card/piv"
	"aws-vault/vault/keystore/sealed"
)

// cardOpener completes an opener whose key is on a security key. If --recipient gives the public key, cardOpener
// does not use the security key. Otherwise, if the slot is empty, cardOpener generates a key in the slot.
func cardOpener(ctx context.Context, a *app.App, s app.SealedStore, o sealed.Opener, f openerFlags) (sealed.Opener, error) {
	slot, err := piv.ParseSlot(f.slot)
	if err != nil {
		return o, &app.UsageError{Text: fmt.Sprintf("--piv: %v", err)}
	}
	o.Slot, o.Card, o.Recipient = slot.String(), a.Globals.Card, f.recipient
	if o.Recipient != "" {
		if o.Card == 0 {
			return o, &app.UsageError{Text: "--recipient also needs --card SERIAL: the serial number of the security key that will open the keystore"}
		}
		return o, nil
	}
	key, info, err := a.Asker(s.Locks).Cards().Key(ctx, app.CardSlot(a, slot))
	var empty *piv.EmptySlotError
	if errors.As(err, &empty) {
		key, info, err = makeOpenerKey(ctx, a, s, empty.Location, f.pin)
	}
	if err != nil {
		return o, err
	}
	o.Card = key.Location().Serial
	if f.name == "" {
		o.Name = fmt.Sprintf("card-%d", o.Card)
	}
	a.Note("%s: %s, PIN %s, touch %s", key.Location(), info.Algorithm, info.PIN, info.Touch)
	if info.Touch == piv.TouchNever {
		a.Note("this key does not require a touch: while the security key is plugged in, any program can open the keystore with it")
	}
	o.Recipient, err = sealed.CardRecipient(key.PublicKey())
	return o, err
}

// makeOpenerKey generates a key in a slot that other programs do not use. Each use of the key requires a touch.
func makeOpenerKey(ctx context.Context, a *app.App, s app.SealedStore, at piv.Location, pin string) (*piv.Key, piv.KeyInfo, error) {
	if !at.Slot.Retired() {
		return nil, piv.KeyInfo{}, &app.UsageError{Text: fmt.Sprintf("%s has no key; aws-vault creates keys only in the slots 82 to 95, which other programs do not use", at)}
	}
	made, err := a.Asker(s.Locks).Cards().Generate(ctx, at, piv.KeyRequest{Algorithm: piv.P256, PIN: piv.ParsePINPolicy(pin), Touch: piv.TouchAlways})
	if err != nil {
		return nil, piv.KeyInfo{}, err
	}
	a.Print("Generated a key in %s.\n", made.Key.Location())
	if made.DefaultManagementKey {
		a.Note("the security key has the default management key, so anyone who has the security key can replace its keys")
	}
	return made.Key, made.Info, nil
}
