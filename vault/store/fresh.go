package store

import (
	"fmt"
	"time"
)

const (
	// If creating a new session would prompt the user, a cached session that is valid for at least
	// minInteractiveLeft is used instead.
	minInteractiveLeft = 5 * time.Minute

	// If creating a new session failed, a cached session that is valid for at least minUsableLeft is used instead.
	minUsableLeft = 10 * time.Second

	// maxClockSetBack limits how far this computer's clock may be set back after a session was created. After a
	// larger change the remaining lifetime of the session is unknown, so the session is not used.
	maxClockSetBack = time.Minute
)

// assess reports whether the session is fresh enough for the request. If the session is not fresh, short reports
// whether it is still valid for at least minInteractiveLeft. A short session is used if creating a new session would
// prompt the user.
func (s *Sessions) assess(k Session, r Request) (fresh, short bool) {
	now := s.Now()
	if !isValidFor(k, r, now) {
		return false, false
	}
	left := k.Left(now)
	fresh = left >= min(r.MinLeft, k.Lifetime()/2)
	return fresh, !fresh && left >= minInteractiveLeft
}

// isValidFor reports whether the session is still valid and not too old for the request. It ignores MinLeft.
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

// checkNotExpired returns an [*ExpiredError] if the credentials have expired. The argument now is the time of
// this computer's clock. Adding the measured skew to now gives AWS's time.
func (m Created) checkNotExpired(now time.Time) error {
	if c := m.Credentials; c.CanExpire && !c.Expires.After(now.Add(m.Skew)) {
		return &ExpiredError{Expired: c.Expires}
	}
	return nil
}

// StaleError is a warning: no new session could be created, so the cached session is used.
type StaleError struct {
	Until time.Time
	Err   error // why no new session could be created
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("could not create a new session; using the cached session until %s: %v", e.Until.Local().Format("15:04:05"), e.Err)
}

// Unwrap returns why no new session could be created.
func (e *StaleError) Unwrap() error { return e.Err }
