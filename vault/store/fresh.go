package store

import (
	"fmt"
	"time"
)

const (
	// A session that is valid for at least minInteractiveLeft is used if the user would be prompted for a new
	// one.
	minInteractiveLeft = 5 * time.Minute

	// A session is returned only if it is valid for at least minUsableLeft.
	minUsableLeft = 10 * time.Second

	// maxClockSetBack is how far this computer's clock may have been set back since the session was created.
	// If it was set back further, the remaining lifetime is unknown.
	maxClockSetBack = time.Minute
)

// assess reports whether the session is fresh enough for the request. If it is not, short reports whether the
// session is still valid for long enough that the user should not be prompted for a new one.
func (s *Sessions) assess(k Session, r Request) (fresh, short bool) {
	now := s.Now()
	if !isValidFor(k, r, now) {
		return false, false
	}
	left := k.Left(now)
	fresh = left >= min(r.MinLeft, k.Lifetime()/2)
	return fresh, !fresh && left >= minInteractiveLeft
}

// isValidFor reports whether the session can be used for the request, however soon it expires.
func isValidFor(k Session, r Request, now time.Time) bool {
	age := k.Age(now)
	switch {
	case k.Credentials.AccessKeyID == "":
		return false // no session is cached
	case r.MaxAge > 0 && age > r.MaxAge:
		return false
	}
	return age >= -maxClockSetBack && k.Left(now) > 0
}

// ExpiredError reports that new credentials had expired before they were received.
type ExpiredError struct{ Expired time.Time }

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the received credentials had already expired at %s", e.Expired.UTC().Format(time.RFC3339))
}

// checkNotExpired returns an [*ExpiredError] for credentials that have expired. The argument now is the time
// of this computer's clock. AWS's time is computed from it with the measured skew.
func (m Created) checkNotExpired(now time.Time) error {
	if c := m.Credentials; c.CanExpire && !c.Expires.After(now.Add(m.Skew)) {
		return &ExpiredError{Expired: c.Expires}
	}
	return nil
}

// StaleError is a warning: no new session could be created, so an older one is used.
type StaleError struct {
	Until time.Time
	Err   error // why no new session could be created
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("could not create a new session, so the current one is used until %s: %v", e.Until.Local().Format("15:04:05"), e.Err)
}

// Unwrap returns why no new session could be created.
func (e *StaleError) Unwrap() error { return e.Err }
