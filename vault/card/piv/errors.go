package piv

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrUnsupported is returned by a build without support for security keys.
	ErrUnsupported = errors.New("this build does not support security keys")
	// ErrNoService is returned if the system has no running PC/SC service.
	ErrNoService = errors.New("no PC/SC service is running")
	// ErrNoCard is returned if there is no card, or if the requested card is not present.
	ErrNoCard = errors.New("no security key found")
)

// An UnreadableError is returned if the only card could not be read. It may be a card of another kind.
type UnreadableError struct {
	Reader string
	Err    error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%v: the card in %s could not be read: %v", ErrNoCard, e.Reader, e.Err)
}

func (e *UnreadableError) Is(target error) bool { return target == ErrNoCard }

func (e *UnreadableError) Unwrap() error { return e.Err }

// A NoCardError is returned if the requested card is not present.
type NoCardError struct {
	Serial uint32
	Others []uint32 // the cards that are present
}

func (e *NoCardError) Error() string {
	if len(e.Others) == 0 {
		return fmt.Sprintf("YubiKey %d not found: no YubiKey is plugged in", e.Serial)
	}
	return fmt.Sprintf("YubiKey %d not found; connected: %s", e.Serial, serials(e.Others))
}

func (e *NoCardError) Is(target error) bool { return target == ErrNoCard }

// A SeveralCardsError is returned if several cards are present and the caller did not choose one of them.
type SeveralCardsError struct{ Serials []uint32 }

func (e *SeveralCardsError) Error() string {
	return fmt.Sprintf("%d security keys are connected (%s): choose one by its serial number", len(e.Serials), serials(e.Serials))
}

// A KeyNotFoundError is returned if several cards are present and none of them has the requested key.
type KeyNotFoundError struct{ Serials []uint32 }

func (e *KeyNotFoundError) Error() string {
	return fmt.Sprintf("none of the %d security keys (%s) has the requested key", len(e.Serials), serials(e.Serials))
}

func serials(all []uint32) string {
	var words []string
	for _, s := range all {
		if s == 0 {
			words = append(words, "one in use by another program")
		} else {
			words = append(words, fmt.Sprint(s))
		}
	}
	return strings.Join(words, ", ")
}

// An InUseError is returned if another program did not release a card in time.
type InUseError struct {
	Reader  string
	Program string // the program that probably uses the card; empty if unknown
}

func (e *InUseError) Error() string {
	who := "another program"
	if e.Program != "" {
		who += ", probably " + e.Program
	}
	return fmt.Sprintf("%s is in use by %s", e.Reader, who)
}

// A WrongPINError is returned for a PIN that the card refused.
type WrongPINError struct {
	Serial    uint32
	TriesLeft int // number of further wrong PINs until the card blocks the PIN
}

func (e *WrongPINError) Error() string {
	tries := "tries"
	if e.TriesLeft == 1 {
		tries = "try"
	}
	return fmt.Sprintf("wrong PIN for YubiKey %d, %d %s left", e.Serial, e.TriesLeft, tries)
}

// A PINFormatError is returned for a PIN that is empty or too long for any card. Such a PIN is not sent to the card.
type PINFormatError struct{ Length int }

func (e *PINFormatError) Error() string {
	return fmt.Sprintf("the PIN is %d bytes long, expected 1 to %d", e.Length, maxPIN)
}

// A BlockedError is returned if a card's PIN is blocked after too many wrong tries.
type BlockedError struct{ Serial uint32 }

func (e *BlockedError) Error() string {
	return fmt.Sprintf("the PIN of YubiKey %d is blocked", e.Serial)
}

// A NotTouchedError is returned if a key was not touched in time.
type NotTouchedError struct{ Location Location }

func (e *NotTouchedError) Error() string { return e.Location.String() + " was not touched in time" }

// A RemovedError is returned if a card was removed while it was in use.
type RemovedError struct{ Reader string }

func (e *RemovedError) Error() string { return "the security key was removed from " + e.Reader }

// An EmptySlotError is returned for a slot without a key.
type EmptySlotError struct{ Location Location }

func (e *EmptySlotError) Error() string { return e.Location.String() + " has no key" }

// An OccupiedError is returned if generating a key would overwrite another key.
type OccupiedError struct {
	Location Location
	Key      KeyInfo // the key in the slot; zero if the firmware cannot report whether the slot has a key
}

func (e *OccupiedError) Error() string {
	if e.Key.Public == nil {
		return e.Location.String() + " may have a key: this firmware cannot report whether it has one"
	}
	return fmt.Sprintf("%s already has a key (%s)", e.Location, e.Key.Algorithm)
}

// A WrongKeyError is returned if a slot has a different key than expected.
type WrongKeyError struct{ Location Location }

func (e *WrongKeyError) Error() string {
	return e.Location.String() + " has a different key than expected"
}

// A DigestError is returned if the digest to sign has the wrong length for the key. The card would sign only a part
// of a digest that is too long.
type DigestError struct {
	Algorithm        Algorithm
	Length, Expected int // lengths of the digest in bytes
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("a %s key cannot sign %d bytes, expected a digest of %d bytes", e.Algorithm, e.Length, e.Expected)
}

// A ManagementKeyError is returned if a card's management key is not known.
type ManagementKeyError struct{ Serial uint32 }

func (e *ManagementKeyError) Error() string {
	return fmt.Sprintf("the management key of YubiKey %d is unknown: it is not the factory key, and the YubiKey has no PIN-protected copy of it", e.Serial)
}

// An AnswerError is returned for a response that a YubiKey would never send.
type AnswerError struct {
	Command string
	Found   string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the security key sent an invalid response to %s: %s", e.Command, e.Found)
}

// errSlotUnknown is returned by old firmware, which cannot report whether a slot is empty or has an imported key.
var errSlotUnknown = errors.New("this firmware does not report whether the slot has a key")

// errRefused is the card's response if the PIN is missing, the touch was missed, or the management key is wrong.
// The card does not report which of these three causes applies.
var errRefused = errors.New("the security key refused the command")

func isEmpty(err error) bool {
	var e *EmptySlotError
	return errors.As(err, &e)
}

// withLocation adds the card and the slot to an error that does not contain them.
func withLocation(err error, at Location) error {
	if isEmpty(err) {
		return &EmptySlotError{at}
	}
	if errors.Is(err, errSlotUnknown) {
		return fmt.Errorf("%s: %w", at, err)
	}
	return err
}
