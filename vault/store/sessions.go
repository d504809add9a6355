package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/keystore"
)

// Sessions creates temporary credentials and caches them in a keystore.
type Sessions struct {
	Ring  StampedRing
	Locks *Locks
	Index *Index
	Now   func() time.Time

	// Pending contains tokens that are not yet in the keystore. It is nil if tokens are always written directly to
	// the keystore. It never contains sessions, so sessions are not looked up in it.
	Pending *Pending

	// BeforeCreate is called before a session is created, so that the keystore can prepare for the write of the
	// session. It may be nil.
	BeforeCreate func()

	// Cancelled reports whether an error of Create means that the user cancelled a prompt. If Cancelled is nil, no
	// error counts as a cancellation.
	Cancelled func(error) bool
}

// listRing returns the ring that contains both sessions and tokens.
func (s *Sessions) listRing() StampedRing {
	if s.Pending != nil {
		return s.Pending
	}
	return s.Ring
}

// A Request describes the session that the caller needs.
type Request struct {
	Name        string        // the session's name: 32 hexadecimal digits, the digest of everything that it depends on
	MinLeft     time.Duration // minimum remaining validity of the session, or half of its lifetime if that is less
	MaxAge      time.Duration // maximum age of the session; 0 for no limit
	MaxLeft     time.Duration // maximum remaining validity of the session; 0 for no limit
	LimitedName string        // name of the session that is used if the session called Name exceeds MaxLeft
	Profile     string
	Kind        string
	Root        string
	Touch       bool   // whether each use of the session must require a touch
	Question    string // what the lock is for; processes that wait for it show this text

	Create func(ctx context.Context) (Created, error) // creates the session while its lock is held; nil for Find
}

// ErrWrongIdentity is wrapped by an error of Create if the new credentials do not belong to the identity of the
// session. Get then does not return an older session, and each waiting process calls its own Create.
var ErrWrongIdentity = errors.New("the credentials belong to a different identity than expected")

// Created is the result of Create.
type Created struct {
	Credentials aws.Credentials
	Skew        time.Duration // AWS's clock minus this computer's clock
	KeyCheck    string        // [KeyCheck] of the access key that the plan starts with; may be empty
}

// Found is the cached session that Find found for a request.
type Found struct {
	Session  Session // zero if no session is cached
	Fresh    bool    // whether the session satisfies the request
	Short    bool    // not Fresh, but valid for at least minInteractiveLeft: use it if a new session needs a prompt
	Warnings []error // errors that report damaged items

	name string // the name for a new session that satisfies the request
}

// Find returns the cached session for the request, and never creates one. It fails if the keystore cannot be
// opened.
func (s *Sessions) Find(ctx context.Context, r Request) (Found, error) {
	f := Found{name: r.Name}
	var err error
	f.Session, f.Warnings, err = s.read(ctx, r.Name)
	if err == nil && r.MaxLeft != 0 && r.LimitedName != "" && f.Session.Left(s.Now()) > r.MaxLeft+time.Minute {
		var more []error
		f.name = r.LimitedName
		f.Session, more, err = s.read(ctx, r.LimitedName)
		f.Warnings = append(f.Warnings, more...)
	}
	if err == nil {
		f.Fresh, f.Short = s.assess(f.Session, r)
	}
	return f, err
}

// Get returns the cached session if it satisfies the request. Otherwise it calls Create and caches the new
// session. If several processes need the session at the same time, only one process calls Create. The other
// processes wait. They then read the cached session, or return the error of the creating process as a
// [*LockOwnerError].
//
// If Create fails and the cached session is still valid, Get returns the cached session, and a [*StaleError] as a
// warning. If the user cancelled, Get returns the error instead. Warnings do not make the returned session
// unusable.
func (s *Sessions) Get(ctx context.Context, r Request) (Session, []error, error) {
	found, err := s.Find(ctx, r)
	if err != nil || found.Fresh { // the common case, in which no lock is needed
		return found.Session, found.Warnings, err
	}
	return s.Replace(ctx, r, found)
}

// Replace is the second part of [Sessions.Get]: it creates a new session. The argument found is the result of Find
// for a request that no cached session satisfies.
func (s *Sessions) Replace(ctx context.Context, r Request, found Found) (Session, []error, error) {
	for {
		lockCtx, lock, lockErr := s.Locks.Session(ctx, found.name, r.Question)
		current, err := s.Find(ctx, r)
		current.Warnings = found.Warnings // avoid duplicates: the second Find returns the same warnings as the first
		switch {
		case lockErr != nil:
			return s.fallBack(ctx, current, r, lockErr)
		case err == nil && !current.Fresh && current.name == found.name:
			return s.create(lockCtx, lock, current, r)
		}
		lock.Close()
		if err != nil || current.Fresh { // another process created the session while this process waited
			return current.Session, current.Warnings, err
		}
		found = current // a session with another name must be created, under another lock
	}
}

// create creates the session while its lock is held, and then releases the lock.
func (s *Sessions) create(ctx context.Context, lock *Lock, found Found, r Request) (Session, []error, error) {
	defer lock.Close() // release the lock even if Create panics, because a server continues to run
	if s.BeforeCreate != nil {
		s.BeforeCreate()
	}
	made, err := r.Create(ctx)
	now := s.Now()
	if err == nil {
		err = made.checkNotExpired(now)
	}
	if errors.Is(err, ErrWrongIdentity) {
		return Session{}, found.Warnings, err
	}
	if err != nil {
		// If this process was stopped, write no failure to the note, so that a waiting process calls Create itself.
		if cancelled := s.isCancelled(err); cancelled || ctx.Err() == nil {
			lock.Fail(now, err, cancelled)
		}
		return s.fallBack(ctx, found, r, err)
	}
	session := Session{
		Credentials: made.Credentials, Created: now.UTC(), Skew: made.Skew, KeyCheck: made.KeyCheck,
		Profile: r.Profile, Kind: r.Kind, Root: r.Root,
	}
	if !made.Credentials.CanExpire {
		return session, found.Warnings, nil // credentials without an expiry are not cached
	}
	warnings := append(found.Warnings, s.save(ctx, found.name, found.Session, session, r.Touch)...)
	lock.Close()
	s.Sweep(ctx)
	return session, warnings, nil
}

func (s *Sessions) isCancelled(err error) bool {
	var owner *LockOwnerError
	return errors.As(err, &owner) && owner.Cancelled || s.Cancelled != nil && s.Cancelled(err)
}

// fallBack is called if no new session could be created because of err. It returns the cached session if that
// session is valid for at least minUsableLeft. Otherwise, or if the user cancelled or ctx ended, it returns err.
func (s *Sessions) fallBack(ctx context.Context, found Found, r Request, err error) (Session, []error, error) {
	if found.Fresh {
		return found.Session, found.Warnings, nil // another process created the session after the failure
	}
	cached, now := found.Session, s.Now()
	if ctx.Err() != nil || s.isCancelled(err) || !isValidFor(cached, r, now) || cached.Left(now) < minUsableLeft {
		return Session{}, found.Warnings, err
	}
	return cached, append(found.Warnings, &StaleError{Until: cached.Credentials.Expires, Err: err}), nil
}

// read returns the session with this name. If the item is damaged, read returns no session, and a warning.
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

// save stores the session k, which may replace the session old. It returns errors as warnings, because the caller
// can use k even if k is not stored.
func (s *Sessions) save(ctx context.Context, name string, old, k Session, touch bool) []error {
	data, err := encodeSession(name, k)
	if err == nil {
		_, err = decodeSession(name, data) // do not store a session that could not be read back
	}
	if err != nil {
		return []error{fmt.Errorf("could not store the session in the keystore: %w", err)}
	}
	if old != (Session{}) { // remove the old entry first, so that no wrong entry remains if this process is killed
		err = s.Index.add(ctx, Entry{Name: name})
	}
	if err := s.Ring.Put(ctx, keystore.Item{Name: name, Label: "aws-vault session", Description: "aws-vault session", Data: data, Touch: touch}); err != nil {
		return []error{fmt.Errorf("could not store the session in the keystore: %w", err)}
	}
	if err == nil {
		entry := k.entry(name)
		entry.Stamp, _ = s.Ring.Stamp(ctx, name) // without the stamp, the entry can still be listed
		err = s.Index.add(ctx, entry)
	}
	if err != nil {
		return []error{fmt.Errorf("the session is stored, but the list of sessions could not be updated: %w", err)}
	}
	return nil
}
