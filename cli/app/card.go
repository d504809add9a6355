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

// cardLock is the lock that allows one aws-vault process at a time to use a security key.
const cardLock = "card"

// Cards returns access to the security keys of this machine. While one aws-vault process uses a security key,
// other aws-vault processes wait. If another program uses the security key, this process tries for some seconds to
// open it.
func (q Asker) Cards() *piv.Cards {
	q.app.Env.CatchSignals() // Ctrl-C must cancel the wait for the card, its PIN or a touch instead of ending the process
	return &piv.Cards{
		PIN: q.pin, Touch: q.noteTouch, ManagementKey: q.managementKey, Sleep: Sleep, UsedBy: q.app.Env.CardHolder,
		Lock: func(ctx context.Context) (context.Context, func(), error) {
			return lockFunc(q.locks)(ctx, cardLock, "the security key")
		},
	}
}

// lockFunc returns a function that acquires a lock. Packages that do not import vault/store use this function.
func lockFunc(locks *store.Locks) func(ctx context.Context, name, question string) (under context.Context, release func(), err error) {
	return func(ctx context.Context, name, question string) (context.Context, func(), error) {
		ctx, lock, err := locks.Named(ctx, name, question)
		if err != nil {
			return ctx, nil, err
		}
		return ctx, func() { lock.Close() }, nil
	}
}

// CardSlot returns slot s of the card that --card names. Without --card, it returns slot s of the only card.
func CardSlot(a *App, s piv.Slot) piv.Location { return piv.Location{Serial: a.Globals.Card, Slot: s} }

func (q Asker) pin(ctx context.Context, wanted piv.PINQuestion) (string, error) {
	r := prompt.Request{Kind: prompt.Passphrase, Text: fmt.Sprintf("PIN of YubiKey %d", wanted.Serial)}
	switch {
	case wanted.TriesLeft == 1:
		r.Text += " (last attempt before the PIN is blocked)"
	case wanted.TriesLeft > 1:
		r.Text += fmt.Sprintf(" (%d attempts left)", wanted.TriesLeft)
	}
	if wanted.Retry {
		r.RetryReason = "That PIN is wrong"
	}
	return q.Ask(ctx, r)
}

func (q Asker) noteTouch(t piv.Touch) {
	what := fmt.Sprintf("touch YubiKey %d", t.Location.Serial)
	if t.Optional {
		what += " if it blinks"
	}
	q.noteAction(context.Background(), what)
}

// managementKey prompts for a management key of 16, 24 or 32 bytes in hexadecimal digits.
func (q Asker) managementKey(ctx context.Context, serial uint32) ([]byte, error) {
	text, err := q.Ask(ctx, prompt.Request{Kind: prompt.Secret, Text: fmt.Sprintf("Management key of YubiKey %d, in hexadecimal digits", serial)})
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(text))
	switch n := len(key); {
	case err != nil:
		return nil, errors.New("the management key contains a character that is not a hexadecimal digit")
	case n != 16 && n != 24 && n != 32:
		return nil, fmt.Errorf("the management key has %d bytes, expected 16, 24 or 32", n)
	}
	return key, nil
}
