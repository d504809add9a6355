package store

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"aws-vault/vault/keystore"
)

// Tokens stores the results of sign-ins: tokens, and the registrations of this program with providers.
type Tokens struct {
	Ring  StampedRing // a [*Pending] if the keystore is written through another program
	Locks *Locks
	Index *Index // may be the index of the sessions
	Now   func() time.Time

	// NeedsTouch reports whether the token must be stored so that each use requires a touch. Nil means that
	// no token requires a touch.
	NeedsTouch func(name string) bool

	// Cancelled reports whether an error of Create means that the user cancelled. Nil means that no error
	// does.
	Cancelled func(error) bool

	// WriteTime is the maximum duration of one write to the keystore. 0 means 10 s.
	WriteTime time.Duration

	mu     sync.Mutex
	memory map[string]Token // tokens that could not be stored, by name
}

// A TokenRequest describes the token that the caller needs.
type TokenRequest struct {
	Name     string           // name of the token: the digest of everything it depends on, 32 hexadecimal digits
	Question string           // what the lock is for, shown by waiting processes
	Usable   func(Token) bool // whether the stored token satisfies the request

	// Create creates a new token, from the stored one or by prompting the user. The argument stored is the
	// stored token; its Secret is empty if there is none. Create saves the result of each single-use code or
	// token with exchange at once. A saved token stays stored even if Create then fails.
	Create func(ctx context.Context, stored Token, exchange *Exchange) (Token, error)
}

// Get returns the stored token if it is usable. Otherwise it calls Create and stores the result, unless the
// result has no expiry time. If several processes need the token at the same time, only one calls Create. The
// others wait and read the stored token, or return that process's error as a [*LockOwnerError]. Warnings
// never mean that the returned token is unusable.
func (t *Tokens) Get(ctx context.Context, r TokenRequest) (Token, []error, error) {
	stored, warnings, err := t.Find(ctx, r.Name)
	if err != nil || isUsable(stored, r) && !t.isPending(r.Name) { // the common case needs no lock
		return stored, warnings, err
	}
	ctx, lock, err := t.Locks.token(ctx, r.Name, r.Question)
	if err != nil {
		return Token{}, warnings, err
	}
	defer lock.Close()
	if stored, _, err = t.Find(ctx, r.Name); err != nil {
		return stored, warnings, err
	}
	if t.isPending(r.Name) {
		warnings = append(warnings, t.flush(ctx, r.Name)...)
	}
	if isUsable(stored, r) {
		return stored, warnings, nil // another process created it while we waited
	}
	exchange := t.Exchange(r.Name)
	created, err := r.Create(ctx, stored, exchange)
	if err != nil {
		warnings = append(warnings, exchange.Store(ctx)...)
		// If this process was stopped, leave no failure: a waiting process then calls Create itself.
		if cancelled := t.isCancelled(err); cancelled || ctx.Err() == nil {
			lock.Fail(t.Now(), err, cancelled)
		}
		return Token{}, warnings, err
	}
	if created.Expires.IsZero() {
		return created, warnings, nil // another program's token; that program stores it
	}
	return created, append(warnings, exchange.finish(ctx, created)...), nil
}

func isUsable(stored Token, r TokenRequest) bool { return len(stored.Secret) > 0 && r.Usable(stored) }

func (t *Tokens) isCancelled(err error) bool {
	var owner *LockOwnerError
	return errors.As(err, &owner) && owner.Cancelled || t.Cancelled != nil && t.Cancelled(err)
}

// Find returns the token stored under a name, or the zero Token if there is none. It treats a damaged item as
// missing, and returns a warning. It fails if the keystore cannot be opened.
func (t *Tokens) Find(ctx context.Context, name string) (Token, []error, error) {
	if k, ok := t.fromMemory(name); ok {
		return k, nil, nil
	}
	data, warnings, err := readItem(ctx, t.Ring, name)
	if data == nil {
		return Token{}, warnings, err
	}
	stored, err := decodeToken(name, data)
	if err != nil {
		return Token{}, []error{err}, nil
	}
	return stored, nil, nil
}

// SignedInAs returns the user who signed in, as read from the token by the function signedInAs. It returns "" if
// there is no token. It opens the token only if the index does not know the item's current stamp, and then
// updates the index. The index is updated when the token is read, not when it is written, so that a
// concurrent write is detected.
func (t *Tokens) SignedInAs(ctx context.Context, name string, signedInAs func(Token) string) (string, error) {
	if k, ok := t.fromMemory(name); ok {
		return signedInAs(k), nil
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
	stored, _, err := t.Find(ctx, name)
	if err != nil || len(stored.Secret) == 0 {
		return "", err // a damaged token is reported where it is used
	}
	stored.SignedInAs = signedInAs(stored)
	if entry := stored.entry(name, e.Created); stamp != "" {
		entry.Stamp = stamp
		// The index is only a hint: without the entry, the token is opened again. So the wait for a locked
		// index is limited.
		t.withTimeout(ctx, func(ctx context.Context) error { return t.Index.add(ctx, entry) })
	}
	return stored.SignedInAs, nil
}

// List returns the usable tokens in the keystore, those that expire first at the front. It opens only items
// that the index does not know.
func (t *Tokens) List(ctx context.Context) ([]Entry, []error, error) {
	return list(ctx, t.Ring, t.Index, tokenType, t.Now())
}

// Remove deletes the matching tokens and returns how many of them were still usable. If the keystore fails
// midway, it returns the number of tokens deleted so far.
func (t *Tokens) Remove(ctx context.Context, match func(Entry) bool) (int, []error, error) {
	t.mu.Lock()
	maps.DeleteFunc(t.memory, func(name string, k Token) bool { return match(k.entry(name, time.Time{})) })
	t.mu.Unlock()
	gone, warnings, err := remove(ctx, t.Ring, t.Index, t.Now(), map[string]func(Entry) bool{tokenType: match})
	return len(gone.Tokens), warnings, err
}
