package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/keystore"
)

// Tokens are what people's sign-ins gave: tokens, and this program's registrations with
// those who give them.
type Tokens struct {
	Ring  StampedRing
	Locks *Locks
	Index *Index // may be the one that sessions are listed in
	Now   func() time.Time

	// Guard reports whether the token of that name is to open with a touch only; nil for none.
	Guard func(name string) bool

	// Cancelled reports whether an error of Make's means that the user gave up; nil for never.
	Cancelled func(error) bool
}

// A TokenAsk is a question that a token answers.
type TokenAsk struct {
	Name     string           // of the token: a digest of all that tells it from others, 32 hexadecimal digits
	Question string           // what those who wait are told
	Serves   func(Token) bool // does the token that is kept answer

	// Make makes another: with what the kept one holds, or by asking a person. There is
	// none if kept.Secret is empty.
	Make func(ctx context.Context, kept Token) (Token, error)
}

// Get returns the token under a name if it serves, and otherwise the one that Make makes,
// which it keeps unless it says no end. However many processes ask at once, one calls Make; the others wait and
// read what it kept, or take its error, a [*MakerError]. Warnings are told; they lose
// nothing.
func (t *Tokens) Get(ctx context.Context, a TokenAsk) (Token, []error, error) {
	kept, warnings, err := t.Find(ctx, a.Name)
	if err != nil || serving(kept, a) { // the common case takes no lock
		return kept, warnings, err
	}
	ctx, lock, err := t.Locks.token(ctx, a.Name, a.Question)
	if err != nil {
		return Token{}, warnings, err
	}
	defer lock.Close()
	if kept, _, err = t.Find(ctx, a.Name); err != nil || serving(kept, a) {
		return kept, warnings, err // made while we waited
	}
	made, err := a.Make(ctx, kept)
	if err != nil {
		if gaveUp := t.gaveUp(err); gaveUp || ctx.Err() == nil { // were we stopped, whoever waits may do better
			lock.Fail(t.Now(), err, gaveUp)
		}
		return Token{}, warnings, err
	}
	if made.Ends.IsZero() {
		return made, warnings, nil // another program's: it is used, and kept by that one
	}
	return made, append(warnings, t.keep(ctx, a.Name, made)...), nil
}

func serving(kept Token, a TokenAsk) bool { return len(kept.Secret) > 0 && a.Serves(kept) }

func (t *Tokens) gaveUp(err error) bool {
	var maker *MakerError
	return errors.As(err, &maker) && maker.Cancelled || t.Cancelled != nil && t.Cancelled(err)
}

// Find returns the token that is kept under a name, and the zero Token where there is
// none. It returns warnings for a damaged item, which is as good as none, and the
// keystore's error if it stays shut.
func (t *Tokens) Find(ctx context.Context, name string) (Token, []error, error) {
	data, warnings, err := open(ctx, t.Ring, name)
	if data == nil {
		return Token{}, warnings, err
	}
	kept, err := decodeToken(name, data)
	if err != nil {
		return Token{}, []error{err}, nil
	}
	return kept, nil, nil
}

// Who returns whose the token under a name is, by what of says of it; empty where there is none. The token is opened
// only if the index does not know its present writing: then the index learns it. That is done when a token is read and
// not when it is written, so that a write in between is noticed.
func (t *Tokens) Who(ctx context.Context, name string, of func(Token) string) (string, error) {
	stamp, err := t.Ring.Stamp(ctx, name)
	if errors.Is(err, keystore.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	e, _ := t.Index.Entry(name)
	if stamp != "" && e.Stamp == stamp && e.Who != "" {
		return e.Who, nil
	}
	kept, _, err := t.Find(ctx, name)
	if err != nil || len(kept.Secret) == 0 {
		return "", err // a damaged one is warned of where it is used
	}
	kept.Who = of(kept)
	if learnt := kept.entry(name, e.Made); stamp != "" {
		learnt.Stamp = stamp
		t.Index.add(ctx, learnt) // a hint: without it the token is opened again
	}
	return kept.Who, nil
}

// keep stores the token. What goes wrong is a warning: the token serves all the same.
func (t *Tokens) keep(ctx context.Context, name string, k Token) []error {
	data, err := encodeToken(name, k)
	if err == nil {
		_, err = decodeToken(name, data) // what could not be read back is not written
	}
	if err == nil {
		touch := t.Guard != nil && t.Guard(name)
		err = t.Ring.Put(ctx, keystore.Item{Name: name, Label: "aws-vault token", Description: "aws-vault token", Data: data, Touch: touch})
	}
	if err != nil {
		return []error{fmt.Errorf("the token could not be kept: %w", err)}
	}
	if err := t.Index.add(ctx, k.entry(name, t.Now().UTC())); err != nil {
		return []error{fmt.Errorf("the token is kept, but the list of sessions could not be written: %w", err)}
	}
	return nil
}

// List returns the tokens that the keystore holds and that may still be of use, the
// earliest end first. It opens nothing but what the index does not know.
func (t *Tokens) List(ctx context.Context) ([]Entry, []error, error) {
	return list(ctx, t.Ring, t.Index, tokenType, t.Now())
}

// Remove deletes the tokens that match and returns how many could still have been of use.
// If the keystore fails half-way, the count is of those that are gone.
func (t *Tokens) Remove(ctx context.Context, match func(Entry) bool) (int, []error, error) {
	gone, warnings, err := remove(ctx, t.Ring, t.Index, t.Now(), map[string]func(Entry) bool{tokenType: match})
	return len(gone.Tokens), warnings, err
}
