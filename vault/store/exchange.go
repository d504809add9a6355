package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/keystore"
)

// A Trade stores what a single-use code or token is traded for. Between the trade and the
// storage this process has the only copy. So Ready does beforehand all that can fail, ask or
// hang, Keep is one write to a local file, and Store does the rest.
//
// A Trade is used by one goroutine.
type Exchange struct {
	tokens *Tokens
	name   string

	prepared bool
	saved    []byte // the encoded token that was kept last
	token    Token
	warnings []error
}

// Exchange begins a trade that puts another token in the place of the one of that name, if there is
// one. It is for sign-ins that [Tokens.Get] cannot ask for, since they may turn out to be another's.
func (t *Tokens) Exchange(name string) *Exchange { return &Exchange{tokens: t, name: name} }

// Lock keeps other processes from renewing the token that is about to be replaced: the older one
// would end up in the place of the newer one.
func (t *Exchange) Lock(ctx context.Context, question string) (context.Context, *Lock, error) {
	return t.tokens.Locks.token(ctx, t.name, question)
}

// UnwritableError is returned by [Trade.Ready] if the answer to a trade could not be stored.
type UnwritableError struct{ Err error }

func (e *UnwritableError) Error() string { return fmt.Sprintf("it could not be stored: %v", e.Err) }

// Unwrap returns why not.
func (e *UnwritableError) Unwrap() error { return e.Err }

// testItemName is the name of an item that is written to see whether one can be.
const testItemName = "747269616c206f66206177732d766175" // spells "trial of aws-vau"

// Prepare sees to it that Keep will succeed: the keystore is open, and can be written. It returns an
// [*UnwritableError] if not. A token that is in memory only needs nothing: it is no safer unused.
func (t *Exchange) Prepare(ctx context.Context) error {
	if _, inMemory := t.tokens.fromMemory(t.name); t.prepared || inMemory {
		return nil
	}
	err := t.tokens.testWrite(ctx, t.tokens.needsTouch(t.name))
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return &UnwritableError{err}
	}
	t.prepared = true
	return nil
}

// readItem writes an item like a token's to the place where Keep will, and removes it.
func (t *Tokens) testWrite(ctx context.Context, touch bool) error {
	if p, ok := t.Ring.(*Pending); ok && !touch {
		return p.Prepare(ctx)
	}
	it := keystore.Item{Name: testItemName, Label: "aws-vault token", Description: "aws-vault token", Data: []byte("{}"), Touch: touch}
	if err := t.Ring.Put(ctx, it); err != nil {
		return err
	}
	if err := t.Ring.Remove(ctx, testItemName); err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return err
	}
	return nil
}

func (t *Tokens) needsTouch(name string) bool { return t.NeedsTouch != nil && t.NeedsTouch(name) }

// Save stores a token right after the trade that it came from; nothing may be done in between.
// After Ready it waits for no other program, unless the file cannot be written. What goes wrong is a
// warning of Store's: the token serves all the same, in this process.
func (t *Exchange) Save(k Token) {
	if p, ok := t.tokens.Ring.(*Pending); ok && t.prepared && !t.tokens.needsTouch(t.name) {
		it, data, err := t.tokens.item(t.name, k)
		if err == nil && p.Save(it) == nil {
			t.saved, t.token = data, k
			return
		}
	}
	t.put(k, func(write func(context.Context) error) error {
		return t.tokens.withTimeout(context.Background(), write)
	})
}

// SaveAs is Keep for a trade that tells the token's name.
func (t *Exchange) SaveAs(name string, k Token) {
	t.name = name
	t.Save(k)
}

// put stores the token in the keystore. If that fails, the token stays in memory.
func (t *Exchange) put(k Token, within func(write func(context.Context) error) error) {
	it, data, err := t.tokens.item(t.name, k)
	if err == nil {
		t.saved, t.token = data, k
		err = within(func(ctx context.Context) error { return t.tokens.Ring.Put(ctx, it) })
	}
	t.tokens.setInMemory(t.name, k, err != nil)
	if err != nil {
		t.warnings = append(t.warnings, fmt.Errorf("the token could not be kept: %w; it serves until this process ends", err))
	}
}

// writeTime is how long one write to the keystore may take once it was seen that none has to ask.
const writeTime = 10 * time.Second

// withTimeout makes a write that nothing but its own time ends.
func (t *Tokens) withTimeout(ctx context.Context, write func(context.Context) error) error {
	limit := t.WriteTime
	if limit == 0 {
		limit = writeTime
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return write(limited)
}

// finish stores what Create has returned, unless that was kept before.
func (t *Exchange) finish(ctx context.Context, made Token) []error {
	if _, data, err := t.tokens.item(t.name, made); err != nil || !bytes.Equal(data, t.saved) {
		t.put(made, func(write func(context.Context) error) error {
			if t.prepared {
				return t.tokens.withTimeout(ctx, write)
			}
			return write(ctx) // which may ask the user
		})
	}
	return t.Store(ctx)
}

// Store moves what was kept to its place in the keystore and on the list, and returns what went
// wrong. It can be called without anything kept.
func (t *Exchange) Store(ctx context.Context) []error {
	warnings := t.warnings
	t.warnings = nil
	if t.saved == nil {
		return warnings
	}
	if t.tokens.isPending(t.name) {
		warnings = append(warnings, t.tokens.flush(ctx, t.name)...)
	}
	if _, inMemory := t.tokens.fromMemory(t.name); inMemory {
		return warnings
	}
	err := t.tokens.withTimeout(ctx, func(ctx context.Context) error {
		return t.tokens.Index.add(ctx, t.token.entry(t.name, t.tokens.Now().UTC()))
	})
	if err != nil {
		warnings = append(warnings, fmt.Errorf("the token is kept, but the list of sessions could not be written: %w", err))
	}
	return warnings
}

// Durable reports whether what was kept outlives this process.
func (t *Exchange) Durable() bool {
	_, inMemory := t.tokens.fromMemory(t.name)
	return t.saved != nil && !inMemory || t.tokens.isPending(t.name)
}

// isPending reports whether a token is in a file that the keystore does not have yet.
func (t *Tokens) isPending(name string) bool {
	p, ok := t.Ring.(*Pending)
	return ok && p.Has(name)
}

// flush moves a token from its file to the keystore.
func (t *Tokens) flush(ctx context.Context, name string) []error {
	p := t.Ring.(*Pending)
	err := t.withTimeout(ctx, func(ctx context.Context) error { return p.Flush(ctx, name) })
	if err != nil {
		return []error{fmt.Errorf("the keystore could not be written: %w; the token is kept encrypted in %s until it can", err, p.Dir.Path())}
	}
	return nil
}

// item is how a token lies in the keystore.
func (t *Tokens) item(name string, k Token) (keystore.Item, []byte, error) {
	data, err := encodeToken(name, k)
	if err == nil {
		_, err = decodeToken(name, data) // what could not be read back is not written
	}
	return keystore.Item{Name: name, Label: "aws-vault token", Description: "aws-vault token", Data: data, Touch: t.needsTouch(name)}, data, err
}

// setInMemory holds a token in memory if it could not be stored, and drops an older one otherwise.
func (t *Tokens) setInMemory(name string, k Token, unstored bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.memory, name)
	if !unstored {
		return
	}
	if t.memory == nil {
		t.memory = map[string]Token{}
	}
	t.memory[name] = k
}

func (t *Tokens) fromMemory(name string) (Token, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.memory[name]
	return k, ok
}
