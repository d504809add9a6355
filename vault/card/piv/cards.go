// Package piv uses the private keys in the PIV slots of YubiKeys. The keys cannot leave the YubiKey. The
// caller prompts for PINs and touches. Without the build tag piv, every call returns [ErrUnsupported].
//
// On Linux, piv-go uses package pcsc: "make cards" replaces the files of piv-go that need C with
// _piv-go/pcsc_linux.go.
package piv

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"
)

// Cards are the YubiKeys of this machine. A card is opened as late as possible and closed as soon as possible,
// because no other program can use the card while it is open.
//
// All methods return when their context ends. If the card is then executing a command, the card is closed in the
// background after the command has ended.
type Cards struct {
	// PIN prompts for the PIN of a card. If PIN is nil, keys that require a PIN cannot be used.
	PIN func(context.Context, PINQuestion) (string, error)
	// Touch is called before a command for which the card needs, or may need, a touch. Touch may be nil.
	Touch func(Touch)
	// ManagementKey returns a card's management key. It is called only if the management key is not the factory
	// key and cannot be read from the card. A card can store its management key, but the PIN is needed to read it.
	// If ManagementKey is nil, a card cannot be changed unless it has the factory key or stores its management
	// key.
	ManagementKey func(ctx context.Context, serial uint32) ([]byte, error)
	// Lock waits until no other aws-vault process uses a card. It returns the context to use while the lock is
	// held, and a function that releases the lock. If Lock is nil, there is no lock.
	Lock func(context.Context) (under context.Context, release func(), err error)
	// Sleep waits between attempts to open a card that another program uses.
	Sleep func(context.Context, time.Duration) error
	// UsedBy returns the name of the program that probably uses the cards, or "" if it is not known. UsedBy may be nil.
	UsedBy func() string
}

// A PINQuestion describes a prompt for a PIN.
type PINQuestion struct {
	Serial    uint32
	TriesLeft int  // number of further wrong PINs until the card blocks the PIN; -1 if unknown
	Retry     bool // the previous answer was a wrong PIN
}

// A Touch reports that a card will now blink. The card waits for a touch for about 15 s.
type Touch struct {
	Location Location
	Optional bool // the card may not need a touch: an earlier touch may be valid, or the touch policy is unknown
}

// Info is the information about a card that can be read without the card's PIN.
type Info struct {
	Reader    string
	Serial    uint32
	Version   string // the version of the firmware
	TriesLeft int    // number of further wrong PINs until the card blocks the PIN; -1 if unknown
	// DefaultManagementKey is true if the card has the factory management key. Then anyone who has the card can
	// change its keys.
	DefaultManagementKey bool
	Err                  error // why the card could not be read, such as an *InUseError; then other fields may be unset
}

// KeyInfo is the information about a key that can be read without the card's PIN.
type KeyInfo struct {
	Slot      Slot
	Public    crypto.PublicKey
	Algorithm Algorithm
	PIN       PINPolicy
	Touch     TouchPolicy
	Generated bool // true if the key was generated on the card; false if it was imported or its origin is unknown
}

// An openCard is a card that aws-vault has open. Its methods return the errors of this package.
type openCard interface {
	serial() (uint32, error)
	version() string
	pinState() (triesLeft int, verified bool) // triesLeft is -1 if the card does not report it
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

// backoff has the waits between attempts to open a card that another program uses. All waits together take 5 s.
var backoff = [...]time.Duration{
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond,
	800 * time.Millisecond, 1200 * time.Millisecond, 2250 * time.Millisecond,
}

// List returns information about all cards. If a card cannot be opened or read, Info.Err is the reason. List
// returns [ErrUnsupported] or [ErrNoService] if no card can be accessed at all.
func (c *Cards) List(ctx context.Context) ([]Info, error) {
	return run(ctx, "the request for its serial number", func() ([]Info, error) {
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
	i.Version = t.version()
	i.TriesLeft, _ = t.pinState()
	i.DefaultManagementKey, err = t.defaultManagementKey()
	return i, err
}

// addProgram sets the Program of an InUseError to the program that probably uses the card.
func (c *Cards) addProgram(err error) error {
	var inUse *InUseError
	if errors.As(err, &inUse) && c.UsedBy != nil {
		inUse.Program = c.UsedBy()
	}
	return err
}

// withCard opens a card, calls f, and closes the card. It opens the card with the given serial number, or, if serial
// is 0, the only card.
func withCard[T any](ctx context.Context, c *Cards, serial uint32, f func(context.Context, uint32, openCard) (T, error)) (T, error) {
	return withMatchingCard(ctx, c, serial, nil, f)
}

// withMatchingCard is like withCard, but if serial is 0 and there are several cards, it opens the first card for which
// matches returns true. If matches is nil, no card matches.
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

// open opens a card. If another program uses the card, open tries again for up to five seconds.
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

// find opens the requested card. It fails if the card is not present or is in use.
func (c *Cards) find(serial uint32, matches func(openCard) bool) (uint32, openCard, error) {
	names, err := readers()
	if err != nil {
		return 0, nil, err
	}
	var candidate openCard
	var others []uint32
	var inUse, unreadable error
	for _, name := range names {
		t, found, err := identify(name)
		var h *InUseError
		switch {
		case errors.As(err, &h):
			others, inUse = append(others, 0), err
		case errors.Is(err, ErrNoCard): // the reader is empty
		case errors.Is(err, ErrNoService):
			return 0, nil, err
		case err != nil:
			unreadable = &UnreadableError{name, err}
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
	if len(others) == 0 && unreadable != nil {
		err = unreadable // the requested card may be the one that could not be read
	}
	var several *SeveralCardsError
	if matches != nil && errors.As(err, &several) {
		err = &KeyNotFoundError{several.Serials}
		if inUse != nil { // the requested key may be on a card that is in use
			err = inUse
		}
	}
	return found, t, err
}

// chooseCard returns the result of find if no card has the requested serial number and no card matches.
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

// identify opens the card in a reader and returns its serial number. It fails if the card is not a YubiKey.
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

// run calls f in a new goroutine, and returns when f returns or when ctx ends. piv-go does not support contexts.
// If f panics, run returns an [*AnswerError], because piv-go panics on some invalid responses from a card.
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
