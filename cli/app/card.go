package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"aws-vault/prompt"
	"aws-vault/vault/card/piv"
	"aws-vault/vault/store"
)

// cardLock keeps two of our processes from using a card at once.
const cardLock = "card"

// Cards are the hardware keys of this machine, as all commands use them. One process at a time uses a card; the others
// wait for it, where programs that are not ours are tried again for some seconds.
func (q Asker) Cards() *piv.Cards {
	q.app.Env.CatchSignals() // a card is waited for, and its PIN or a touch
	return &piv.Cards{
		PIN: q.pin, Touch: func(t piv.Touch) { noteTouch(q.app, t) }, ManagementKey: q.managementKey, Sleep: Sleep, UsedBy: q.app.Env.CardHolder,
		Lock: func(ctx context.Context) (context.Context, func(), error) {
			return lockFunc(q.locks)(ctx, cardLock, "the hardware key")
		},
	}
}

// lockFunc takes locks for packages that do not know where they come from.
func lockFunc(locks *store.Locks) func(ctx context.Context, name, question string) (under context.Context, release func(), err error) {
	return func(ctx context.Context, name, question string) (context.Context, func(), error) {
		ctx, lock, err := locks.Named(ctx, name, question)
		if err != nil {
			return ctx, nil, err
		}
		return ctx, func() { lock.Close() }, nil
	}
}

// CardSlot is a slot of the card that --card names, or of the only one.
func CardSlot(a *App, s piv.Slot) piv.Location { return piv.Location{Serial: a.Globals.Card, Slot: s} }

func (q Asker) pin(ctx context.Context, wanted piv.PINQuestion) (string, error) {
	r := prompt.Request{Kind: prompt.Passphrase, Text: fmt.Sprintf("PIN of YubiKey %d", wanted.Serial)}
	switch {
	case wanted.TriesLeft == 1:
		r.Text += " (the last try before it is blocked)"
	case wanted.TriesLeft > 1:
		r.Text += fmt.Sprintf(" (%d tries left)", wanted.TriesLeft)
	}
	if wanted.Retry {
		r.RetryReason = "That PIN is wrong"
	}
	return q.Ask(ctx, r)
}

func noteTouch(a *App, t piv.Touch) {
	if t.Optional {
		a.Note("touch YubiKey %d if it blinks", t.Location.Serial)
		return
	}
	a.Note("touch YubiKey %d", t.Location.Serial)
}

// managementKey asks for 16, 24 or 32 bytes in hexadecimal digits.
func (q Asker) managementKey(ctx context.Context, serial uint32) ([]byte, error) {
	text, err := q.Ask(ctx, prompt.Request{Kind: prompt.Secret, Text: fmt.Sprintf("Management key of YubiKey %d, in hexadecimal digits", serial)})
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(text))
	switch n := len(key); {
	case err != nil:
		return nil, errors.New("the management key is not made of hexadecimal digits")
	case n != 16 && n != 24 && n != 32:
		return nil, fmt.Errorf("the management key has %d bytes, want 16, 24 or 32", n)
	}
	return key, nil
}
