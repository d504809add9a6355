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

	// BeforeCreate tells the keystore that a session is about to be kept; nil where that needs no time.
	BeforeCreate func()

	// Cancelled reports whether an error of Create's means that the user gave up; nil for never.
	Cancelled func(error) bool
}

// listRing is where sessions and tokens are listed and removed.
func (s *Sessions) listRing() Ring {
	if s.Pending != nil {
		return s.Pending
	}
	return s.Ring
}

// An Ask is a question that a session answers.
type Request struct {
	Name        string        // byName the session: the digest of all that it depends on, 32 hexadecimal digits
	MinLeft     time.Duration // the session must serve at least that long, or half its life if that is less
	MaxAge      time.Duration // the session may be this old; 0 for any age
	MaxLeft     time.Duration // a session with more than that left is too much; 0 for no such limit
	LimitedName string        // the name for a session made because the one under Name was too much
	Profile     string
	Kind        string
	Root        string
	Touch       bool   // it is kept so that it opens with a touch only
	Question    string // what those who wait are told

	Create func(ctx context.Context) (Created, error) // called under the session's lock, if it is called; nil for Find
}

// ErrWrongIdentity is wrapped by an error of Create's that says that the credentials are not of whoever the session's
// name was made for. Then no older session serves either, and those who wait find out for themselves.
var ErrWrongIdentity = errors.New("the credentials are of another caller")

// Created is what Create returns: credentials, and how wrong this computer's clock is.
type Created struct {
	Credentials aws.Credentials
	Skew        time.Duration // AWS's clock minus this computer's
	KeyCheck    string        // byName the stored key that it began with, if it is known
}

// Found is what is cached for an ask.
type Found struct {
	Session  Session // zero for none
	Fresh    bool    // it answers the ask
	Short    bool    // it serves for less than the ask needs, and for long enough if a new one would take a person's answer
	Warnings []error // byName damaged items

	name string // that a session for the ask is created under
}

// Find returns what is cached for the ask, and creates nothing. It fails if the keystore stays shut.
func (s *Sessions) Find(ctx context.Context, a Request) (Found, error) {
	f := Found{name: a.Name}
	var err error
	f.Session, f.Warnings, err = s.read(ctx, a.Name)
	if err == nil && a.MaxLeft != 0 && a.LimitedName != "" && f.Session.Left(s.Now()) > a.MaxLeft+time.Minute {
		var more []error
		f.name = a.LimitedName
		f.Session, more, err = s.read(ctx, a.LimitedName)
		f.Warnings = append(f.Warnings, more...)
	}
	if err == nil {
		f.Fresh, f.Short = s.assess(f.Session, a)
	}
	return f, err
}

// Get returns the session under a name if it answers the ask, and otherwise the one
// that Create creates, which it keeps. However many processes ask at once, one calls Create;
// the others wait and read what it kept, or take its error, a [*LockOwnerError]. A session
// that is still valid serves, with a [*StaleError] among the warnings, where Create fails,
// unless the user gave up. Warnings are told; they lose nothing.
func (s *Sessions) Get(ctx context.Context, a Request) (Session, []error, error) {
	found, err := s.Find(ctx, a)
	if err != nil || found.Fresh { // the common case takes no lock
		return found.Session, found.Warnings, err
	}
	return s.Replace(ctx, a, found)
}

// Replace is the second half of [Sessions.Get], for an ask that what was found does not answer.
func (s *Sessions) Replace(ctx context.Context, a Request, found Found) (Session, []error, error) {
	for {
		under, lock, failed := s.Locks.Session(ctx, found.name, a.Question)
		again, err := s.Find(ctx, a)
		again.Warnings = found.Warnings // it has met the same ones
		switch {
		case failed != nil:
			return s.fallBack(ctx, again, a, failed)
		case err == nil && !again.Fresh && again.name == found.name:
			return s.create(under, lock, again, a)
		}
		lock.Close()
		if err != nil || again.Fresh { // another process created it while we waited
			return again.Session, again.Warnings, err
		}
		found = again // it is too much, and what is created for the ask has another name
	}
}

// create creates the session under its lock, which it gives back.
func (s *Sessions) create(ctx context.Context, lock *Lock, found Found, a Request) (Session, []error, error) {
	defer lock.Close() // should Create panic, a server goes on
	if s.BeforeCreate != nil {
		s.BeforeCreate()
	}
	made, err := a.Create(ctx)
	now := s.Now()
	if err == nil {
		err = made.checkNotExpired(now)
	}
	if errors.Is(err, ErrWrongIdentity) {
		return Session{}, found.Warnings, err
	}
	if err != nil {
		if gaveUp := s.isCancelled(err); gaveUp || ctx.Err() == nil { // were we stopped, whoever waits may do better
			lock.Fail(now, err, gaveUp)
		}
		return s.fallBack(ctx, found, a, err)
	}
	session := Session{
		Credentials: made.Credentials, Created: now.UTC(), Skew: made.Skew, KeyCheck: made.KeyCheck,
		Profile: a.Profile, Kind: a.Kind, Root: a.Root,
	}
	if !made.Credentials.CanExpire {
		return session, found.Warnings, nil // what comes without an expiry is used and not kept
	}
	warnings := append(found.Warnings, s.save(ctx, found.name, found.Session, session, a.Touch)...)
	lock.Close()
	s.Sweep(ctx)
	return session, warnings, nil
}

func (s *Sessions) isCancelled(err error) bool {
	var maker *LockOwnerError
	return errors.As(err, &maker) && maker.Cancelled || s.Cancelled != nil && s.Cancelled(err)
}

// fallBack answers with a session that is still valid, though not for as long as it
// should be, where a new one could not be had because of err.
func (s *Sessions) fallBack(ctx context.Context, found Found, a Request, err error) (Session, []error, error) {
	if found.Fresh {
		return found.Session, found.Warnings, nil // someone created it after the failure that was left to us
	}
	kept, now := found.Session, s.Now()
	if ctx.Err() != nil || s.isCancelled(err) || !isValidFor(kept, a, now) || kept.Left(now) < minUsableLeft {
		return Session{}, found.Warnings, err
	}
	return kept, append(found.Warnings, &StaleError{Until: kept.Credentials.Expires, Err: err}), nil
}

// read returns the session under a name. A damaged item is a warning, and as good as none.
func (s *Sessions) read(ctx context.Context, name string) (Session, []error, error) {
	data, warnings, err := readItem(ctx, s.Ring, name)
	if data == nil {
		return Session{}, warnings, err
	}
	session, err := decodeSession(name, data)
	if err != nil {
		return Session{}, []error{err}, nil
	}
	return session, nil, nil
}

// save stores the session in place of an old one, if there is one. What goes wrong is a warning: the session serves all the same.
func (s *Sessions) save(ctx context.Context, name string, old, k Session, touch bool) []error {
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
