package store

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"aws-vault/vault/keystore"
)

// Tokens are what people's sign-ins gave: tokens, and this program's registrations with
// those who give them.
type Tokens struct {
	Ring  StampedRing // a [*Pending] for a keystore that is written through another program
	Locks *Locks
	Index *Index // may be the one that sessions are listed in
	Now   func() time.Time

	// NeedsTouch reports whether the token of that name is to open with a touch only; nil for none.
	NeedsTouch func(name string) bool

	// Cancelled reports whether an error of Create's means that the user gave up; nil for never.
	Cancelled func(error) bool

	// WriteTime is how long one write to the keystore may take; 0 for 10 s.
	WriteTime time.Duration

	mu     sync.Mutex
	memory map[string]Token // tokens that could not be stored, by name
}

// A TokenRequest is a question that a token answers.
type TokenRequest struct {
	Name     string           // byName the token: a digest of all that tells it from others, 32 hexadecimal digits
	Question string           // what those who wait are told
	Usable   func(Token) bool // does the token that is kept answer

	// Create creates another: with what the kept one holds, or by asking a person. There is
	// none if kept.Secret is empty. What a single-use code or token was traded for is given to
	// trade at once; it stays stored if Create then fails.
	Create func(ctx context.Context, kept Token, trade *Exchange) (Token, error)
}

// Get returns the token under a name if it serves, and otherwise the one that Create creates,
// which it keeps unless it says no end. However many processes ask at once, one calls Create; the others wait and
// read what it kept, or take its error, a [*LockOwnerError]. Warnings are told; they lose
// nothing.
func (t *Tokens) Get(ctx context.Context, a TokenRequest) (Token, []error, error) {
	kept, warnings, err := t.Find(ctx, a.Name)
	if err != nil || isUsable(kept, a) && !t.isPending(a.Name) { // the common case takes no lock
		return kept, warnings, err
	}
	ctx, lock, err := t.Locks.token(ctx, a.Name, a.Question)
	if err != nil {
		return Token{}, warnings, err
	}
	defer lock.Close()
	if kept, _, err = t.Find(ctx, a.Name); err != nil {
		return kept, warnings, err
	}
	if t.isPending(a.Name) {
		warnings = append(warnings, t.flush(ctx, a.Name)...)
	}
	if isUsable(kept, a) {
		return kept, warnings, nil // made while we waited
	}
	trade := t.Exchange(a.Name)
	made, err := a.Create(ctx, kept, trade)
	if err != nil {
		warnings = append(warnings, trade.Store(ctx)...)
		if gaveUp := t.isCancelled(err); gaveUp || ctx.Err() == nil { // were we stopped, whoever waits may do better
			lock.Fail(t.Now(), err, gaveUp)
		}
		return Token{}, warnings, err
	}
	if made.Expires.IsZero() {
		return made, warnings, nil // another program's: it is used, and kept by that one
	}
	return made, append(warnings, trade.finish(ctx, made)...), nil
}

func isUsable(kept Token, a TokenRequest) bool { return len(kept.Secret) > 0 && a.Usable(kept) }

func (t *Tokens) isCancelled(err error) bool {
	var maker *LockOwnerError
	return errors.As(err, &maker) && maker.Cancelled || t.Cancelled != nil && t.Cancelled(err)
}

// Find returns the token that is kept under a name, and the zero Token where there is
// none. It returns warnings for a damaged item, which is as good as none, and the
// keystore's error if it stays shut.
func (t *Tokens) Find(ctx context.Context, name string) (Token, []error, error) {
	if k, ok := t.fromMemory(name); ok {
		return k, nil, nil
	}
	data, warnings, err := readItem(ctx, t.Ring, name)
	if data == nil {
		return Token{}, warnings, err
	}
	kept, err := decodeToken(name, data)
	if err != nil {
		return Token{}, []error{err}, nil
	}
	return kept, nil, nil
}

// SignedInAs returns whose the token under a name is, by what of says of it; empty where there is none. The token is opened
// only if the index does not know its present writing: then the index learns it. That is done when a token is read and
// not when it is written, so that a write in between is noticed.
func (t *Tokens) SignedInAs(ctx context.Context, name string, of func(Token) string) (string, error) {
	if k, ok := t.fromMemory(name); ok {
		return of(k), nil
	}
	stamp, err := t.Ring.Stamp(ctx, name)
	if errors.Is(err, keystore.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	e, _ := t.Index.Entry(name)
	if stamp != "" && e.Stamp == stamp && e.SignedInAs != "" {
		return e.SignedInAs, nil
	}
	kept, _, err := t.Find(ctx, name)
	if err != nil || len(kept.Secret) == 0 {
		return "", err // a damaged one is warned of where it is used
	}
	kept.SignedInAs = of(kept)
	if learnt := kept.entry(name, e.Created); stamp != "" {
		learnt.Stamp = stamp
		// The list is a hint: without the entry the token is opened again. So a locked list delays this only for a while.
		t.withTimeout(ctx, func(ctx context.Context) error { return t.Index.add(ctx, learnt) })
	}
	return kept.SignedInAs, nil
}

// List returns the tokens that the keystore holds and that may still be of use, the
// earliest end first. It opens nothing but what the index does not know.
func (t *Tokens) List(ctx context.Context) ([]Entry, []error, error) {
	return list(ctx, t.Ring, t.Index, tokenType, t.Now())
}

// Remove deletes the tokens that match and returns how many could still have been of use.
// If the keystore fails half-way, the count is of those that are gone.
func (t *Tokens) Remove(ctx context.Context, match func(Entry) bool) (int, []error, error) {
	t.mu.Lock()
	maps.DeleteFunc(t.memory, func(name string, k Token) bool { return match(k.entry(name, time.Time{})) })
	t.mu.Unlock()
	gone, warnings, err := remove(ctx, t.Ring, t.Index, t.Now(), map[string]func(Entry) bool{tokenType: match})
	return len(gone.Tokens), warnings, err
}
