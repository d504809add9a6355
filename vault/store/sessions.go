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
	Ring  Ring
	Locks *Locks
	Index *Index
	Now   func() time.Time

	// Pending also holds tokens that the keystore does not have yet. Nil means that there are none. It never
	// holds sessions, so it is not searched for a session.
	Pending *Pending

	// BeforeCreate is called before a session is created, so that the keystore can prepare for the write. It
	// may be nil.
	BeforeCreate func()

	// Cancelled reports whether an error of Create means that the user cancelled. Nil means that no error
	// does.
	Cancelled func(error) bool
}

// listRing returns the ring that holds both sessions and tokens.
func (s *Sessions) listRing() Ring {
	if s.Pending != nil {
		return s.Pending
	}
	return s.Ring
}

// A Request describes the session that the caller needs.
type Request struct {
	Name        string        // name of the session: the digest of everything it depends on, 32 hexadecimal digits
	MinLeft     time.Duration // how long the session must remain valid; half of its lifetime is enough if that is less
	MaxAge      time.Duration // maximum age of the session; 0 for no limit
	MaxLeft     time.Duration // maximum remaining validity of the session; 0 for no limit
	LimitedName string        // name of the session to use if the one called Name exceeds MaxLeft
	Profile     string
	Kind        string
	Root        string
	Touch       bool   // store it so that each use requires a touch
	Question    string // what the lock is for, shown by waiting processes

	Create func(ctx context.Context) (Created, error) // creates the session, under its lock; nil for Find
}

// ErrWrongIdentity is wrapped by errors of Create. It reports that the credentials belong to another identity
// than the one the session is for. Get then returns no older session either, and waiting processes try for
// themselves.
var ErrWrongIdentity = errors.New("the credentials belong to another identity")

// Created is the result of Create.
type Created struct {
	Credentials aws.Credentials
	Skew        time.Duration // AWS's clock minus this computer's clock
	KeyCheck    string        // [KeyCheck] of the access key that the session started from, if known
}

// Found is the cached session that Find found for a request.
type Found struct {
	Session  Session // zero if there is none
	Fresh    bool    // the session satisfies the request
	Short    bool    // the session is valid for less time than requested, but long enough to avoid a prompt
	Warnings []error // damaged items

	name string // the name under which to create a session for the request
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

// Get returns the cached session if it satisfies the request. Otherwise it calls Create and caches the
// result. If several processes need the session at the same time, only one calls Create. The others wait and
// read the cached result, or return that process's error as a [*LockOwnerError].
//
// If Create fails and the cached session is still valid, Get returns that session, and a [*StaleError] as a
// warning. It does not do so if the user cancelled. Warnings never mean that the returned session is
// unusable.
func (s *Sessions) Get(ctx context.Context, r Request) (Session, []error, error) {
	found, err := s.Find(ctx, r)
	if err != nil || found.Fresh { // the common case needs no lock
		return found.Session, found.Warnings, err
	}
	return s.Replace(ctx, r, found)
}

// Replace is the second half of [Sessions.Get]. It is called with the result of Find if that does not satisfy
// the request.
func (s *Sessions) Replace(ctx context.Context, r Request, found Found) (Session, []error, error) {
	for {
		lockCtx, lock, lockErr := s.Locks.Session(ctx, found.name, r.Question)
		current, err := s.Find(ctx, r)
		current.Warnings = found.Warnings // the second Find returns the same warnings
		switch {
		case lockErr != nil:
			return s.fallBack(ctx, current, r, lockErr)
		case err == nil && !current.Fresh && current.name == found.name:
			return s.create(lockCtx, lock, current, r)
		}
		lock.Close()
		if err != nil || current.Fresh { // another process created it while we waited
			return current.Session, current.Warnings, err
		}
		found = current // the session exceeds MaxLeft, so use the other name
	}
}

// create creates the session while its lock is held, and releases the lock.
func (s *Sessions) create(ctx context.Context, lock *Lock, found Found, r Request) (Session, []error, error) {
	defer lock.Close() // release the lock even if Create panics; a server continues to run
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
		// If this process was stopped, leave no failure: a waiting process then calls Create itself.
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

// fallBack returns the cached session if it is still valid, although no new session could be created because
// of err.
func (s *Sessions) fallBack(ctx context.Context, found Found, r Request, err error) (Session, []error, error) {
	if found.Fresh {
		return found.Session, found.Warnings, nil // another process created it after the failure
	}
	cached, now := found.Session, s.Now()
	if ctx.Err() != nil || s.isCancelled(err) || !isValidFor(cached, r, now) || cached.Left(now) < minUsableLeft {
		return Session{}, found.Warnings, err
	}
	return cached, append(found.Warnings, &StaleError{Until: cached.Credentials.Expires, Err: err}), nil
}

// read returns the session with this name. It treats a damaged item as missing, and returns a warning.
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

// save stores a new session, which may replace an old one. It returns errors as warnings, because the session
// is usable anyway.
func (s *Sessions) save(ctx context.Context, name string, old, k Session, touch bool) []error {
	data, err := encodeSession(name, k)
	if err == nil {
		_, err = decodeSession(name, data) // never write what cannot be read back
	}
	if err != nil {
		return []error{fmt.Errorf("could not store the session in the keystore: %w", err)}
	}
	if old != (Session{}) { // remove the old entry first: if this process is killed now, no wrong entry remains
		err = s.Index.add(ctx, Entry{Name: name})
	}
	if err := s.Ring.Put(ctx, keystore.Item{Name: name, Label: "aws-vault session", Description: "aws-vault session", Data: data, Touch: touch}); err != nil {
		return []error{fmt.Errorf("could not store the session in the keystore: %w", err)}
	}
	if err == nil {
		err = s.Index.add(ctx, k.entry(name))
	}
	if err != nil {
		return []error{fmt.Errorf("the session is stored, but the list of sessions could not be updated: %w", err)}
	}
	return nil
}
