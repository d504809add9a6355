package piv

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrUnsupported says that this program was built without hardware keys.
	ErrUnsupported = errors.New("hardware keys are not in this build")
	// ErrNoService says that no program of this system reads cards.
	ErrNoService = errors.New("no PC/SC service answers")
	// ErrNoCard says that no card is there, or not the one that was asked for.
	ErrNoCard = errors.New("no hardware key found")
)

// A NoCardError is a card that is not there.
type NoCardError struct {
	Serial uint32
	Others []uint32 // that are
}

func (e *NoCardError) Error() string {
	if len(e.Others) == 0 {
		return fmt.Sprintf("YubiKey %d is not there, nor any other", e.Serial)
	}
	return fmt.Sprintf("YubiKey %d is not there, found %s", e.Serial, serials(e.Others))
}

func (e *NoCardError) Is(target error) bool { return target == ErrNoCard }

// A SeveralCardsError is a choice between cards that nobody made.
type SeveralCardsError struct{ Serials []uint32 }

func (e *SeveralCardsError) Error() string {
	return fmt.Sprintf("%d hardware keys found (%s), want the serial number of one", len(e.Serials), serials(e.Serials))
}

// A KeyNotFoundError is a key that none of several cards holds.
type KeyNotFoundError struct{ Serials []uint32 }

func (e *KeyNotFoundError) Error() string {
	return fmt.Sprintf("none of the %d hardware keys found (%s) holds the key that is wanted", len(e.Serials), serials(e.Serials))
}

func serials(all []uint32) string {
	var words []string
	for _, s := range all {
		if s == 0 {
			words = append(words, "one that another program holds")
		} else {
			words = append(words, fmt.Sprint(s))
		}
	}
	return strings.Join(words, ", ")
}

// A InUseError is a card that another program would not give back in time.
type InUseError struct {
	Reader  string
	Program string // the program that likely has it; empty if that is not known
}

func (e *InUseError) Error() string {
	who := "another program"
	if e.Program != "" {
		who += ", likely " + e.Program
	}
	return fmt.Sprintf("%s is held by %s", e.Reader, who)
}

// A WrongPINError is a PIN that the card refused.
type WrongPINError struct {
	Serial    uint32
	TriesLeft int // tries, before the card refuses all
}

func (e *WrongPINError) Error() string {
	tries := "tries"
	if e.TriesLeft == 1 {
		tries = "try"
	}
	return fmt.Sprintf("wrong PIN for YubiKey %d, %d %s left", e.Serial, e.TriesLeft, tries)
}

// A PINFormatError is a PIN that no card can have. It cost no try.
type PINFormatError struct{ Length int }

func (e *PINFormatError) Error() string {
	return fmt.Sprintf("the PIN has %d bytes, want 1 to %d", e.Length, maxPIN)
}

// A BlockedError is a card whose PIN was tried too often.
type BlockedError struct{ Serial uint32 }

func (e *BlockedError) Error() string {
	return fmt.Sprintf("the PIN of YubiKey %d is blocked", e.Serial)
}

// A NotTouchedError is a key that waited for a touch in vain.
type NotTouchedError struct{ Location Location }

func (e *NotTouchedError) Error() string { return e.Location.String() + " was not touched in time" }

// A RemovedError is a card that went away while it was used.
type RemovedError struct{ Reader string }

func (e *RemovedError) Error() string { return "the hardware key was pulled out of " + e.Reader }

// An EmptySlotError is a slot without a key.
type EmptySlotError struct{ Location Location }

func (e *EmptySlotError) Error() string { return e.Location.String() + " holds no key" }

// An OccupiedError is a slot whose key would be lost.
type OccupiedError struct {
	Location Location
	Key      KeyInfo // zero if this firmware does not tell what a slot holds
}

func (e *OccupiedError) Error() string {
	if e.Key.Public == nil {
		return e.Location.String() + " may hold a key: this firmware does not say"
	}
	return fmt.Sprintf("%s holds a key (%s)", e.Location, e.Key.Algorithm)
}

// An WrongKeyError is a slot with another key than the one that is wanted.
type WrongKeyError struct{ Location Location }

func (e *WrongKeyError) Error() string {
	return e.Location.String() + " holds another key than the one that is wanted"
}

// A DigestError is something to sign that is not a digest for that key: the card would sign a part of it.
type DigestError struct {
	Algorithm        Algorithm
	Length, Expected int // bytes
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("a %s key was to sign %d bytes, want a digest of %d", e.Algorithm, e.Length, e.Expected)
}

// A ManagementKeyError is a card whose management key is none that was known.
type ManagementKeyError struct{ Serial uint32 }

func (e *ManagementKeyError) Error() string {
	return fmt.Sprintf("YubiKey %d has a management key of its own, and it is not kept under the PIN", e.Serial)
}

// An AnswerError is what no card of the kind would answer.
type AnswerError struct {
	Command string
	Found   string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the card's answer to %s makes no sense: %s", e.Command, e.Found)
}

// errSlotUnknown is old firmware, which does not tell a slot that is empty from one whose key was imported.
var errSlotUnknown = errors.New("this firmware does not say whether the slot holds a key")

// errRefused is the card's answer to a missing PIN, a missed touch and a wrong management key alike.
var errRefused = errors.New("the card refused")

func isEmpty(err error) bool {
	var e *EmptySlotError
	return errors.As(err, &e)
}

// withLocation says which slot is empty, to an error that does not know.
func withLocation(err error, at Location) error {
	if isEmpty(err) {
		return &EmptySlotError{at}
	}
	if errors.Is(err, errSlotUnknown) {
		return fmt.Errorf("%s: %w", at, err)
	}
	return err
}
