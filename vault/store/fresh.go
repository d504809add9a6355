package store

import (
	"fmt"
	"time"
)

const (
	// minInteractiveLeft is all that is asked of a session that a person would have to renew.
	minInteractiveLeft = 5 * time.Minute

	// minUsableLeft is the least that a session must have left to be worth handing out.
	minUsableLeft = 10 * time.Second

	// maxClockSetBack is how far a clock may have been set back since a session was made. Further
	// back, nothing is known of what the session has left.
	maxClockSetBack = time.Minute
)

// assess reports whether the session answers the ask and, if not, whether it does should a person
// have to be asked for another.
func (s *Sessions) assess(k Session, a Request) (fresh, short bool) {
	now := s.Now()
	if !isValidFor(k, a, now) {
		return false, false
	}
	left := k.Left(now)
	fresh = left >= min(a.MinLeft, k.Lifetime()/2)
	return fresh, !fresh && left >= minInteractiveLeft
}

// isValidFor reports whether the session, however little it has left, is one for the ask.
func isValidFor(k Session, a Request, now time.Time) bool {
	age := k.Age(now)
	switch {
	case k.Credentials.AccessKeyID == "":
		return false // there is none
	case a.MaxAge > 0 && age > a.MaxAge:
		return false
	}
	return age >= -maxClockSetBack && k.Left(now) > 0
}

// ExpiredError is returned for credentials that were no good when they came.
type ExpiredError struct{ Expired time.Time }

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the credentials had expired at %s when they came", e.Expired.UTC().Format(time.RFC3339))
}

// checkNotExpired returns an [*ExpiredError] for what is of no use at now by this computer's clock.
// How wrong that is was measured just now, so it is believed both ways.
func (m Created) checkNotExpired(now time.Time) error {
	if c := m.Credentials; c.CanExpire && !c.Expires.After(now.Add(m.Skew)) {
		return &ExpiredError{Expired: c.Expires}
	}
	return nil
}

// StaleError is the warning that an older session is used, and until when it serves.
type StaleError struct {
	Until time.Time
	Err   error // why there is no newer one
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("the session kept until %s is used, since no new one could be made: %v", e.Until.Local().Format("15:04:05"), e.Err)
}

// Unwrap returns why there is no newer session.
func (e *StaleError) Unwrap() error { return e.Err }
