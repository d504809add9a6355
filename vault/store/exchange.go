package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/keystore"
)

// An Exchange stores the token that a provider returns for a single-use code or token. Until the new token is
// stored, this process has the only copy. So Prepare is called before the exchange, and does everything that can
// fail, prompt or hang. Save is called right after the exchange, and only writes the token. Store is called last.
// It moves the token to the keystore and updates the index.
//
// An Exchange must be used by one goroutine only.
type Exchange struct {
	tokens *Tokens
	name   string

	prepared bool
	saved    []byte // the encoded form of the last token passed to Save
	token    Token
	warnings []error
}

// Exchange starts an exchange whose result replaces the token with this name. [Tokens.Get] calls Exchange itself.
// Other callers need Exchange only for a sign-in whose identity is not known in advance. Such a sign-in cannot use
// Tokens.Get, because the token's name depends on the identity.
func (t *Tokens) Exchange(name string) *Exchange { return &Exchange{tokens: t, name: name} }

// Lock prevents other processes from renewing the token that is about to be replaced. Otherwise another process
// could overwrite the new token with a renewed copy of the old token. Lock does not protect a token under a different
// name that is passed to SaveAs later.
func (t *Exchange) Lock(ctx context.Context, question string) (context.Context, *Lock, error) {
	return t.tokens.Locks.token(ctx, t.name, question)
}

// UnwritableError is returned by [Exchange.Prepare] if Save would not be able to store the result of the exchange.
type UnwritableError struct{ Err error }

func (e *UnwritableError) Error() string {
	return fmt.Sprintf("the result could not be stored: %v", e.Err)
}

// Unwrap returns the error of the write.
func (e *UnwritableError) Unwrap() error { return e.Err }

// testItemName is the name of an item that is written only to test that the keystore is writable.
const testItemName = "747269616c206f66206177732d766175" // "trial of aws-vau" in hexadecimal: a name must have 32 digits

// Prepare checks that the keystore is open and writable, so that Save will succeed. If Save would fail, Prepare
// returns an [*UnwritableError]. If the current token is only in memory, Prepare checks nothing, because that
// token is lost at the end of this process in any case.
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

// testWrite checks that Save will be able to write a token. It prepares the folder of local files, or writes a test
// item to the keystore and removes the item again.
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

// Save stores a token immediately after the exchange that returned it. If the keystore is written through another
// program, Prepare succeeded, and the token requires no touch, Save writes the token to a local file: see
// [Pending]. If that fails, and in all other cases, Save writes the token to the keystore. Store returns the
// errors of Save as warnings, because this process can use the token even if it is not stored.
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

// SaveAs saves the token under this name, and not under the name with which the exchange was started. It is for an
// exchange whose result determines the token's name.
func (t *Exchange) SaveAs(name string, k Token) {
	t.name = name
	t.Save(k)
}

// SaveAgain waits until no other process renews the token that the saved token replaces, and then saves the token
// once more, because that process may have overwritten it. SaveAgain is for a token that SaveAs saved while this
// process did not hold the lock of the token. It ignores errors of the lock, because the token is already stored.
func (t *Exchange) SaveAgain(ctx context.Context, question string) {
	if !t.Durable() {
		return
	}
	_, lock, err := t.Lock(ctx, question)
	if err != nil {
		return
	}
	defer lock.Close()
	t.Save(t.token)
}

// put stores the token in the keystore. If that fails, put keeps the token in memory.
func (t *Exchange) put(k Token, run func(write func(context.Context) error) error) {
	it, data, err := t.tokens.item(t.name, k)
	if err == nil {
		t.saved, t.token = data, k
		err = run(func(ctx context.Context) error { return t.tokens.Ring.Put(ctx, it) })
	}
	t.tokens.setInMemory(t.name, k, err != nil)
	if err != nil {
		t.warnings = append(t.warnings, fmt.Errorf("could not store the token, so it is lost when this process ends: %w", err))
	}
}

// writeTime is the maximum duration of one write to a keystore that is known to be open.
const writeTime = 10 * time.Second

// withTimeout calls write with a context that has a timeout, and that does not end when ctx ends.
func (t *Tokens) withTimeout(ctx context.Context, write func(context.Context) error) error {
	limit := t.WriteTime
	if limit == 0 {
		limit = writeTime
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return write(limited)
}

// finish stores the token that Create returned, unless Save has already stored that token.
func (t *Exchange) finish(ctx context.Context, made Token) []error {
	if _, data, err := t.tokens.item(t.name, made); err != nil || !bytes.Equal(data, t.saved) {
		t.put(made, func(write func(context.Context) error) error {
			if t.prepared {
				return t.tokens.withTimeout(ctx, write)
			}
			return write(ctx) // this write may prompt the user
		})
	}
	return t.Store(ctx)
}

// Store moves the saved token to the keystore and adds it to the index. It returns errors as warnings. It
// does nothing if no token was saved.
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
		entry := t.token.entry(t.name, t.tokens.Now().UTC())
		entry.Stamp, _ = t.tokens.Ring.Stamp(ctx, t.name) // without the stamp, the entry can still be listed
		return t.tokens.Index.add(ctx, entry)
	})
	if err != nil {
		warnings = append(warnings, fmt.Errorf("the token is stored, but the list of sessions could not be updated: %w", err))
	}
	return warnings
}

// Durable reports whether the saved token survives the end of this process.
func (t *Exchange) Durable() bool {
	_, inMemory := t.tokens.fromMemory(t.name)
	return t.saved != nil && !inMemory
}

// isPending reports whether the token is in a local file and not yet in the keystore.
func (t *Tokens) isPending(name string) bool {
	p, ok := t.Ring.(*Pending)
	return ok && p.Has(name)
}

// flush moves a token from its file to the keystore.
func (t *Tokens) flush(ctx context.Context, name string) []error {
	p := t.Ring.(*Pending)
	err := t.withTimeout(ctx, func(ctx context.Context) error { return p.Flush(ctx, name) })
	if err != nil {
		return []error{fmt.Errorf("could not write to the keystore: %w; until that works, the token is stored encrypted in %s", err, p.Dir.Path())}
	}
	return nil
}

// item returns the keystore item for a token, and the encoded token.
func (t *Tokens) item(name string, k Token) (keystore.Item, []byte, error) {
	data, err := encodeToken(name, k)
	if err == nil {
		_, err = decodeToken(name, data) // do not store a token that could not be read back
	}
	return keystore.Item{Name: name, Label: "aws-vault token", Description: "aws-vault token", Data: data, Touch: t.needsTouch(name)}, data, err
}

// setInMemory keeps the token in memory if unstored is true. Otherwise it removes an older token with the same
// name from memory.
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
