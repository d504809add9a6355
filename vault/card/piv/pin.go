package piv

import (
	"context"
	"errors"
)

// maxPIN is the maximum length of a PIN.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-73-4.pdf part 2, 2.4.3
const maxPIN = 8 // in bytes

// unlock enters the PIN if a key with the PIN policy p requires the PIN now.
func (c *Cards) unlock(ctx context.Context, serial uint32, t openCard, p PINPolicy) error {
	switch p {
	case PINNever, FingerprintOnce, FingerprintAlways:
		return nil
	case PINOnce:
		if _, verified := t.pinState(); verified {
			return nil
		}
	}
	_, err := c.pin(ctx, serial, t)
	return err
}

// pin prompts for the PIN until the PIN is correct. If a prompt returns the same wrong PIN again, pin fails: the
// answer is probably from a program, and sending it would use up another try.
func (c *Cards) pin(ctx context.Context, serial uint32, t openCard) (string, error) {
	if c.PIN == nil {
		return "", errors.New("the key requires a PIN, but aws-vault cannot prompt for it here")
	}
	left, _ := t.pinState()
	q := PINQuestion{Serial: serial, TriesLeft: left}
	if q.TriesLeft == 0 {
		return "", &BlockedError{serial}
	}
	last := ""
	for {
		pin, err := c.PIN(ctx, q)
		if err != nil {
			return "", err
		}
		if ctx.Err() != nil { // the caller has stopped waiting, so the PIN must not use up a try
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
