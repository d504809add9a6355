package piv

import (
	"context"
	"errors"
)

// maxPIN is how long a PIN can be.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-73-4.pdf part 2, 2.4.3
const maxPIN = 8 // bytes

// unlock gives the card its PIN, if a key with that policy wants it now.
func (c *Cards) unlock(ctx context.Context, serial uint32, t token, p PINPolicy) error {
	switch p {
	case PINNever, FingerOnce, FingerAlways:
		return nil
	case PINOnce:
		if t.left() == open {
			return nil
		}
	}
	_, err := c.pin(ctx, serial, t)
	return err
}

// open is what a card says of its tries once it has the PIN.
const open = -1

// pin asks for the PIN until it is right. The same wrong answer twice is not from a person, and costs one try only.
func (c *Cards) pin(ctx context.Context, serial uint32, t token) (string, error) {
	if c.PIN == nil {
		return "", errors.New("the key wants a PIN, and there is no way to ask for it")
	}
	q := PINQuestion{Serial: serial, Left: t.left()}
	if q.Left == 0 {
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
		if q.Again && pin == last {
			return "", &WrongPINError{serial, q.Left}
		}
		err = t.verify(pin)
		var wrong *WrongPINError
		switch {
		case err == nil:
			return pin, nil
		case !errors.As(err, &wrong):
			return "", err
		case wrong.Left == 0:
			return "", &BlockedError{serial}
		}
		q.Left, q.Again, last = wrong.Left, true, pin
	}
}
