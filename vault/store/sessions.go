package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/keystore"
)

// Sessions are the temporary credentials made so far.
type Sessions struct {
	Ring  Ring
	Locks *Locks
	Index *Index
	Now   func() time.Time

	// Pending is where tokens beside the sessions may be too; nil for nowhere. A session never is,
	// so that reading one looks there for nothing.
	Pending *Pending

	// Expect tells the keystore that a session is about to be kept; nil where that needs no time.
	Expect func()

	// Cancelled reports whether an error of Make's means that the user gave up; nil for never.
	Cancelled func(error) bool
}

// all is where sessions and tokens are listed and removed.
func (s *Sessions) all() Ring {
	if s.Pending != nil {
		return s.Pending
	}
	return s.Ring
}

// An Ask is a question that a session answers.
type Ask struct {
	Name     string        // of the session: the digest of all that it depends on, 32 hexadecimal digits
	Need     time.Duration // the session must serve at least that long, or half its life if that is less
	Human    func() bool   // would making it ask a human, so that a short answer is better than a new one; nil for no
	MaxAge   time.Duration // the session may be this old; 0 for any age
	AtMost   time.Duration // a session with more than that left is too much; 0 for no such limit
	Apart    string        // the name for a session made because the one under Name was too much
	KeyCheck string        // of the stored key, where it is known; a session begun with another is none
	Profile  string
	Kind     string
	Root     string
	Touch    bool   // it is kept so that it opens with a touch only
	Question string // what those who wait are told
	Make     func(ctx context.Context) (Made, error)
}

// ErrOtherCaller is wrapped by an error of Make's that says that the credentials are not of whoever the session's
// name was made for. Then no older session serves either, and those who wait find out for themselves.
var ErrOtherCaller = errors.New("the credentials are of another caller")

// Made is what Make gives: credentials, and how wrong this computer's clock is.
type Made struct {
	Credentials aws.Credentials
	Skew        time.Duration // AWS's clock minus this computer's
	KeyCheck    string        // of the stored key that it began with, if that was read
}

// Find returns the session that would answer the ask without anything being made. It
// returns warnings for damaged items, and the keystore's error if it stays shut.
func (s *Sessions) Find(ctx context.Context, a Ask) (Session, bool, []error, error) {
	kept, _, warnings, err := s.look(ctx, a)
	return kept, err == nil && s.fresh(kept, a), warnings, err
}

// Get returns the session under a name if it answers the ask, and otherwise the one
// that Make makes, which it keeps. However many processes ask at once, one calls Make;
// the others wait and read what it kept, or take its error, a [*MakerError]. A session
// that is still valid serves, with a [*StaleError] among the warnings, where Make fails,
// unless the user gave up. Warnings are told; they lose nothing.
func (s *Sessions) Get(ctx context.Context, a Ask) (Session, []error, error) {
	kept, name, warnings, err := s.look(ctx, a)
	for err == nil && !s.fresh(kept, a) { // the common case takes no lock
		under, lock, failed := s.Locks.Session(ctx, name, a.Question)
		locked := name
		if kept, name, _, err = s.look(ctx, a); failed != nil {
			return s.fallBack(ctx, kept, a, warnings, failed)
		}
		if err == nil && name == locked && !s.fresh(kept, a) {
			return s.make(under, lock, name, kept, a, warnings)
		}
		lock.Close() // made while we waited, or too much and another name's lock is needed
	}
	return kept, warnings, err
}

// make makes the session under its lock, which it gives back.
func (s *Sessions) make(ctx context.Context, lock *Held, name string, kept Session, a Ask, warnings []error) (Session, []error, error) {
	defer lock.Close() // should Make panic, a server goes on
	if s.Expect != nil {
		s.Expect()
	}
	made, err := a.Make(ctx)
	now := s.Now()
	if err == nil {
		err = made.check(now)
	}
	if errors.Is(err, ErrOtherCaller) {
		return Session{}, warnings, err
	}
	if err != nil {
		if gaveUp := s.gaveUp(err); gaveUp || ctx.Err() == nil { // were we stopped, whoever waits may do better
			lock.Fail(now, err, gaveUp)
		}
		return s.fallBack(ctx, kept, a, warnings, err)
	}
	session := Session{
		Credentials: made.Credentials, Made: now.UTC(), Skew: made.Skew, KeyCheck: made.KeyCheck,
		Profile: a.Profile, Kind: a.Kind, Root: a.Root,
	}
	if !made.Credentials.CanExpire {
		return session, warnings, nil // what comes without an expiry is used and not kept
	}
	warnings = append(warnings, s.keep(ctx, name, kept, session, a.Touch)...)
	lock.Close()
	s.Sweep(ctx)
	return session, warnings, nil
}

func (s *Sessions) gaveUp(err error) bool {
	var maker *MakerError
	return errors.As(err, &maker) && maker.Cancelled || s.Cancelled != nil && s.Cancelled(err)
}

// fallBack answers with a session that is still valid, though not for as long as it
// should be, where a new one could not be had because of err.
func (s *Sessions) fallBack(ctx context.Context, kept Session, a Ask, warnings []error, err error) (Session, []error, error) {
	if s.fresh(kept, a) {
		return kept, warnings, nil // someone made it after the failure that was left to us
	}
	now := s.Now()
	if ctx.Err() != nil || s.gaveUp(err) || !serves(kept, a, now) || kept.Left(now) < usable {
		return Session{}, warnings, err
	}
	return kept, append(warnings, &StaleError{Until: kept.Credentials.Expires, Err: err}), nil
}

// look reads the session for the ask, and settles on the name that it is made under. A
// session that is not there is the zero Session, which answers no ask.
func (s *Sessions) look(ctx context.Context, a Ask) (Session, string, []error, error) {
	kept, warnings, err := s.read(ctx, a.Name)
	if err != nil || a.AtMost == 0 || a.Apart == "" || kept.Left(s.Now()) <= a.AtMost+time.Minute {
		return kept, a.Name, warnings, err
	}
	kept, more, err := s.read(ctx, a.Apart)
	return kept, a.Apart, append(warnings, more...), err
}

// read returns the session under a name. A damaged item is a warning, and as good as none.
func (s *Sessions) read(ctx context.Context, name string) (Session, []error, error) {
	data, warnings, err := open(ctx, s.Ring, name)
	if data == nil {
		return Session{}, warnings, err
	}
	session, err := decodeSession(name, data)
	if err != nil {
		return Session{}, []error{err}, nil
	}
	return session, nil, nil
}

// keep stores the session in place of an old one, if there is one. What goes wrong is a warning: the session serves all the same.
func (s *Sessions) keep(ctx context.Context, name string, old, k Session, touch bool) []error {
	data, err := encodeSession(name, k)
	if err == nil {
		_, err = decodeSession(name, data) // what could not be read back is not written
	}
	if err != nil {
		return []error{fmt.Errorf("the session could not be kept: %w", err)}
	}
	if old != (Session{}) { // its entry goes first: should we be killed in between, it must not stand for the new session
		err = s.Index.add(ctx, Entry{Name: name})
	}
	if err := s.Ring.Put(ctx, keystore.Item{Name: name, Label: "aws-vault session", Description: "aws-vault session", Data: data, Touch: touch}); err != nil {
		return []error{fmt.Errorf("the session could not be kept: %w", err)}
	}
	if err == nil {
		err = s.Index.add(ctx, k.entry(name))
	}
	if err != nil {
		return []error{fmt.Errorf("the session is kept, but the list of sessions could not be written: %w", err)}
	}
	return nil
}
