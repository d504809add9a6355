// Package piv uses the keys in the PIV slots of a YubiKey, which cannot leave it. It leaves the
// questions to the person at the card to its caller. A build without the tag piv has no cards, and
// every call says so: see [ErrUnsupported]. On Linux piv-go runs on package pcsc: "make cards" puts
// _piv-go/pcsc_linux.go in place of the files of piv-go that need C.
package piv

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"
)

// Cards are the hardware keys of this machine. A card is opened as late and closed as early as can be: whoever has
// one open keeps all other programs from it.
//
// All calls return when their context ends. What the card was asked to do then goes on, without us, until it
// has answered; the card is closed after that.
type Cards struct {
	// PIN asks for the PIN of a card. A card that was not given one is not used where it wants one.
	PIN func(context.Context, PINQuestion) (string, error)
	// Touch says that a card waits to be touched, or may: see [Touch]. Nil says nothing.
	Touch func(Touch)
	// ManagementKey asks for a card's management key, where it is neither the one that all cards are made with nor
	// kept under the PIN. Nil knows none.
	ManagementKey func(ctx context.Context, serial uint32) ([]byte, error)
	// Lock waits until no other process of ours uses a card. It returns the context for what is done with the card,
	// and how to let others in. Nil does not wait.
	Lock func(context.Context) (under context.Context, release func(), err error)
	// Sleep waits between tries to open a card that another program has.
	Sleep func(context.Context, time.Duration) error
	// UsedBy names the program that likely has the cards, or returns "". Nil knows none.
	UsedBy func() string
}

// A PINQuestion is what is known when a PIN is asked for.
type PINQuestion struct {
	Serial    uint32
	TriesLeft int  // tries, before the card refuses all; -1 if it does not say
	Retry     bool // the last answer was wrong
}

// A Touch is a card that blinks, and waits for about 15 seconds.
type Touch struct {
	Location Location
	Optional bool // it may not: a touch a moment ago may serve, or the card does not say what the key wants
}

// Info is what is seen of a card without its PIN.
type Info struct {
	Reader    string
	Serial    uint32
	Version   string // of its firmware
	TriesLeft int    // tries of the PIN; -1 if it does not say
	// DefaultManagementKey is true if whoever gets at the card can change what is on it.
	DefaultManagementKey bool
	Err                  error // why nothing is known of it but the reader: a *InUseError, for one
}

// KeyInfo is what is known of a key without its PIN.
type KeyInfo struct {
	Slot      Slot
	Public    crypto.PublicKey
	Algorithm Algorithm
	PIN       PINPolicy
	Touch     TouchPolicy
	Generated bool // made on the card, and never elsewhere; false if it is not known
}

// A token is an open card. It answers with errors of this package.
type openCard interface {
	serial() (uint32, error)
	version() string
	triesLeft() int
	keyInfo(Slot) (KeyInfo, error)
	defaultManagementKey() (bool, error)
	protectedManagementKey(pin string) ([]byte, error)
	verify(pin string) error
	sign(KeyInfo, []byte, crypto.SignerOpts) ([]byte, error)
	exchange(KeyInfo, []byte) ([]byte, error)
	generate(managementKey []byte, s Slot, r KeyRequest) (crypto.PublicKey, error)
	certificate(Slot) ([]byte, error)
	setCertificate(managementKey []byte, s Slot, der []byte) error
	attest(Slot) (device, slot []byte, err error)
	close()
}

// The waits between tries to open a card that another program has: five seconds in all.
var backoff = [...]time.Duration{
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond,
	800 * time.Millisecond, 1200 * time.Millisecond, 2250 * time.Millisecond,
}

// List looks at all cards. One that cannot be opened is listed with the reason. It returns [ErrUnsupported] or
// [ErrNoService] where no card can be seen at all.
func (c *Cards) List(ctx context.Context) ([]Info, error) {
	return run(ctx, "who it is", func() ([]Info, error) {
		_, release, err := c.lock(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		names, err := readers()
		if err != nil {
			return nil, err
		}
		var all []Info
		for _, name := range names {
			i, err := c.inspect(name)
			if errors.Is(err, ErrNoCard) {
				continue
			}
			i.Err = err
			all = append(all, i)
		}
		return all, nil
	})
}

func (c *Cards) inspect(reader string) (Info, error) {
	i := Info{Reader: reader, TriesLeft: -1}
	t, err := openReader(reader)
	if err != nil {
		return i, c.addProgram(err)
	}
	defer t.close()
	if i.Serial, err = t.serial(); err != nil {
		return i, err
	}
	i.Version, i.TriesLeft = t.version(), t.triesLeft()
	i.DefaultManagementKey, err = t.defaultManagementKey()
	return i, err
}

// addProgram adds who likely holds a card to an error that says that somebody does.
func (c *Cards) addProgram(err error) error {
	var inUse *InUseError
	if errors.As(err, &inUse) && c.UsedBy != nil {
		inUse.Program = c.UsedBy()
	}
	return err
}

// withCard opens the card with that serial number, or the only one, for as long as f takes.
func withCard[T any](ctx context.Context, c *Cards, serial uint32, f func(context.Context, uint32, openCard) (T, error)) (T, error) {
	return withMatchingCard(ctx, c, serial, nil, f)
}

// withMatchingCard is with for the first card that fits, where there are several and no serial number. Nil fits none.
func withMatchingCard[T any](ctx context.Context, c *Cards, serial uint32, matches func(openCard) bool, f func(context.Context, uint32, openCard) (T, error)) (T, error) {
	return run(ctx, "a command", func() (T, error) {
		var zero T
		ctx, release, err := c.lock(ctx)
		if err != nil {
			return zero, err
		}
		defer release()
		serial, t, err := c.open(ctx, serial, matches)
		if err != nil {
			return zero, err
		}
		defer t.close()
		return f(ctx, serial, t)
	})
}

func (c *Cards) lock(ctx context.Context) (under context.Context, release func(), err error) {
	if c.Lock == nil {
		return ctx, func() {}, nil
	}
	return c.Lock(ctx)
}

// pinVerified waits a while for a card that another program has.
func (c *Cards) open(ctx context.Context, serial uint32, matches func(openCard) bool) (uint32, openCard, error) {
	for i := 0; ; i++ {
		found, t, err := c.find(serial, matches)
		var inUse *InUseError
		if !errors.As(err, &inUse) {
			return found, t, err
		}
		if i == len(backoff) {
			return 0, nil, c.addProgram(err)
		}
		if err := c.Sleep(ctx, backoff[i]); err != nil {
			return 0, nil, err
		}
	}
}

// find opens the card that is wanted, if it is there and free.
func (c *Cards) find(serial uint32, matches func(openCard) bool) (uint32, openCard, error) {
	names, err := readers()
	if err != nil {
		return 0, nil, err
	}
	var candidate openCard
	var others []uint32
	var inUse error
	for _, name := range names {
		t, found, err := identify(name)
		var h *InUseError
		switch {
		case errors.As(err, &h):
			others, inUse = append(others, 0), err
		case err != nil:
		case found == serial && serial != 0, serial == 0 && matches != nil && matches(t):
			if candidate != nil {
				candidate.close()
			}
			return found, t, nil
		case serial == 0 && candidate == nil:
			candidate = t
			others = append(others, found)
		default:
			t.close()
			others = append(others, found)
		}
	}
	found, t, err := chooseCard(serial, candidate, others, inUse)
	var several *SeveralCardsError
	if matches != nil && errors.As(err, &several) {
		err = &KeyNotFoundError{several.Serials}
		if inUse != nil { // it may be the one
			err = inUse
		}
	}
	return found, t, err
}

// chooseCard decides which of the cards that were found is the one, if none had the serial number that was asked for.
func chooseCard(serial uint32, candidate openCard, found []uint32, inUse error) (uint32, openCard, error) {
	switch {
	case serial == 0 && len(found) == 1 && candidate != nil:
		return found[0], candidate, nil
	case candidate != nil:
		candidate.close()
	}
	switch {
	case inUse != nil && (serial != 0 || len(found) == 1):
		return 0, nil, inUse
	case serial != 0:
		return 0, nil, &NoCardError{serial, found}
	case len(found) == 0:
		return 0, nil, ErrNoCard
	}
	return 0, nil, &SeveralCardsError{found}
}

// identify opens the card in a reader. What is not a YubiKey is an error like any other.
func identify(reader string) (openCard, uint32, error) {
	t, err := openReader(reader)
	if err != nil {
		return nil, 0, err
	}
	serial, err := t.serial()
	if err != nil {
		t.close()
		return nil, 0, err
	}
	return t, serial, nil
}

// run calls f in a goroutine of its own, as what it calls knows no context, and makes a panic over what a card answered
// an error.
func run[T any](ctx context.Context, command string, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if r := recover(); r != nil {
				o = outcome{err: &AnswerError{command, fmt.Sprint(r)}}
			}
			done <- o
		}()
		o.value, o.err = f()
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}
