package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"aws-vault/vault/keystore"
)

// Tokens stores the results of sign-ins: tokens, and the data of this program's registrations with providers.
type Tokens struct {
	Ring  StampedRing // is a [*Pending] if the keystore is written through another program
	Locks *Locks
	Index *Index // may also be the index of the sessions
	Now   func() time.Time

	// NeedsTouch reports whether the token must be stored so that each use requires a touch. If NeedsTouch is
	// nil, no token requires a touch.
	NeedsTouch func(name string) bool

	// Cancelled reports whether an error of Create means that the user cancelled a prompt. If Cancelled is nil, no
	// error counts as a cancellation.
	Cancelled func(error) bool

	// WriteTime is the maximum duration of one write to the keystore. The value 0 means 10 s.
	WriteTime time.Duration

	mu     sync.Mutex
	memory map[string]Token // tokens that could not be stored, by their names
}

// A TokenRequest describes the token that the caller needs.
type TokenRequest struct {
	Name     string           // the token's name: 32 hexadecimal digits, the digest of everything that it depends on
	Question string           // what the lock is for; processes that wait for it show this text
	Usable   func(Token) bool // reports whether the stored token satisfies the request

	// Create creates a new token, by renewing the stored token or by prompting the user. If there is no stored
	// token, the Secret of the argument stored is empty. If Create sends a single-use code or token, it must pass
	// the token in the response to exchange.Save at once. The saved token stays stored even if Create then fails.
	Create func(ctx context.Context, stored Token, exchange *Exchange) (Token, error)
}

// Get returns the stored token if it is usable. Otherwise it calls Create and stores the new token, unless that
// token has no expiry time. If several processes need the token at the same time, only one process calls Create.
// The other processes wait. They then read the stored token, or return the error of the creating process as a
// [*LockOwnerError]. Warnings do not make the returned token unusable.
func (t *Tokens) Get(ctx context.Context, r TokenRequest) (Token, []error, error) {
	stored, warnings, err := t.Find(ctx, r.Name)
	if err != nil || isUsable(stored, r) && !t.isPending(r.Name) { // the common case, in which no lock is needed
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
		return stored, warnings, nil // another process created the token while this process waited
	}
	exchange := t.Exchange(r.Name)
	created, err := r.Create(ctx, stored, exchange)
	if err != nil {
		warnings = append(warnings, exchange.Store(ctx)...)
		// If this process was stopped, write no failure to the note, so that a waiting process calls Create itself.
		if cancelled := t.isCancelled(err); cancelled || ctx.Err() == nil {
			lock.Fail(t.Now(), err, cancelled)
		}
		return Token{}, warnings, err
	}
	if created.Expires.IsZero() {
		return created, warnings, nil // the token belongs to another program, which stores the token itself
	}
	return created, append(warnings, exchange.finish(ctx, created)...), nil
}

func isUsable(stored Token, r TokenRequest) bool { return len(stored.Secret) > 0 && r.Usable(stored) }

func (t *Tokens) isCancelled(err error) bool {
	var owner *LockOwnerError
	return errors.As(err, &owner) && owner.Cancelled || t.Cancelled != nil && t.Cancelled(err)
}

// Find returns the token stored under this name, or the zero Token if there is no such token. If the item is
// damaged, it returns the zero Token and a warning. It returns an error if the keystore cannot be opened.
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

// SignedInAs returns who signed in, or "" if there is no token. The function signedInAs reads this text from a
// token. SignedInAs opens the token only if the index has no entry with the token's current stamp, and then adds
// an entry. It reads the stamp before the token. If another process writes the token in between, the entry has the
// old stamp and is recognized as outdated.
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
		return "", err // ignore the warning: a damaged token is reported where it is used
	}
	stored.SignedInAs = signedInAs(stored)
	if entry := stored.entry(name, e.Created); stamp != "" {
		entry.Stamp = stamp
		// The index is only a hint: without the entry, the token is opened again next time. So do not wait long for
		// a locked index, and ignore the error.
		t.withTimeout(ctx, func(ctx context.Context) error { return t.Index.add(ctx, entry) })
	}
	return stored.SignedInAs, nil
}

// List returns the usable tokens in the keystore, sorted by expiry time with the earliest first. It opens only
// items that have no index entry.
func (t *Tokens) List(ctx context.Context) ([]Entry, []error, error) {
	return list(ctx, t.Ring, t.Index, tokenType, t.Now())
}

// Replace stores a token under this name, in place of the current token. Unlike Get, it returns an error if the
// new token is not stored. If Replace returns only warnings, the token is stored: a warning says that it is still
// in a local file and not in the keystore, or that it is missing in the index.
func (t *Tokens) Replace(ctx context.Context, name, question string, k Token) ([]error, error) {
	ctx, lock, err := t.Locks.token(ctx, name, question)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	exchange := t.Exchange(name)
	warnings := exchange.finish(ctx, k)
	if !exchange.Durable() {
		return nil, errors.Join(warnings...)
	}
	return warnings, nil
}

// Remove deletes the token with this name, even if the token is damaged. It reports whether there was one.
func (t *Tokens) Remove(ctx context.Context, name string) (existed bool, warnings []error, err error) {
	t.mu.Lock()
	_, existed = t.memory[name]
	delete(t.memory, name)
	t.mu.Unlock()
	switch err := t.Ring.Remove(ctx, name); {
	case errors.Is(err, keystore.ErrNotFound):
		return existed, nil, nil
	case err != nil:
		return existed, nil, err
	}
	return true, t.Index.addOrWarn(ctx, []Entry{{Name: name}}), nil
}
