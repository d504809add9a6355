package piv

import (
	"context"
	"errors"
)

// maxPIN is how long a PIN can be.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-73-4.pdf part 2, 2.4.3
const maxPIN = 8 // bytes

// unlock gives the card its PIN, if a key with that policy wants it now.
func (c *Cards) unlock(ctx context.Context, serial uint32, t openCard, p PINPolicy) error {
	switch p {
	case PINNever, FingerprintOnce, FingerprintAlways:
		return nil
	case PINOnce:
		if t.triesLeft() == pinVerified {
			return nil
		}
	}
	_, err := c.pin(ctx, serial, t)
	return err
}

// pinVerified is what a card says of its tries once it has the PIN.
const pinVerified = -1

// pin asks for the PIN until it is right. The same wrong answer twice is not from a person, and costs one try only.
func (c *Cards) pin(ctx context.Context, serial uint32, t openCard) (string, error) {
	if c.PIN == nil {
		return "", errors.New("the key wants a PIN, and there is no way to ask for it")
	}
	q := PINQuestion{Serial: serial, TriesLeft: t.triesLeft()}
	if q.TriesLeft == 0 {
		return "", &BlockedError{serial}
	}
	last := ""
	for {
		pin, err := c.PIN(ctx, q)
		if err != nil {
			return "", err
		}
		if ctx.Err() != nil { // nobody waits any more: spend no try
			return "", context.Cause(ctx)
		}
		if len(pin) == 0 || len(pin) > maxPIN {
			return "", &PINFormatError{len(pin)}
		}
		if q.Retry && pin == last {
			return "", &WrongPINError{serial, q.TriesLeft}
		}
		err = t.verify(pin)
		var wrong *WrongPINError
		switch {
		case err == nil:
			return pin, nil
		case !errors.As(err, &wrong):
			return "", err
		case wrong.TriesLeft == 0:
			return "", &BlockedError{serial}
		}
		q.TriesLeft, q.Retry, last = wrong.TriesLeft, true, pin
	}
}
