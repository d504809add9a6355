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

// A SeveralError is a choice between cards that nobody made.
type SeveralError struct{ Serials []uint32 }

func (e *SeveralError) Error() string {
	return fmt.Sprintf("%d hardware keys found (%s), want the serial number of one", len(e.Serials), serials(e.Serials))
}

// A NoneFitsError is a key that none of several cards holds.
type NoneFitsError struct{ Serials []uint32 }

func (e *NoneFitsError) Error() string {
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

// A HeldError is a card that another program would not give back in time.
type HeldError struct {
	Reader string
	Holder string // the program that likely has it; empty if that is not known
}

func (e *HeldError) Error() string {
	who := "another program"
	if e.Holder != "" {
		who += ", likely " + e.Holder
	}
	return fmt.Sprintf("%s is held by %s", e.Reader, who)
}

// A WrongPINError is a PIN that the card refused.
type WrongPINError struct {
	Serial uint32
	Left   int // tries, before the card refuses all
}

func (e *WrongPINError) Error() string {
	tries := "tries"
	if e.Left == 1 {
		tries = "try"
	}
	return fmt.Sprintf("wrong PIN for YubiKey %d, %d %s left", e.Serial, e.Left, tries)
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
type NotTouchedError struct{ Place Place }

func (e *NotTouchedError) Error() string { return e.Place.String() + " was not touched in time" }

// A PulledError is a card that went away while it was used.
type PulledError struct{ Reader string }

func (e *PulledError) Error() string { return "the hardware key was pulled out of " + e.Reader }

// An EmptyError is a slot without a key.
type EmptyError struct{ Place Place }

func (e *EmptyError) Error() string { return e.Place.String() + " holds no key" }

// An OccupiedError is a slot whose key would be lost.
type OccupiedError struct {
	Place Place
	Key   KeyInfo // zero if this firmware does not tell what a slot holds
}

func (e *OccupiedError) Error() string {
	if e.Key.Public == nil {
		return e.Place.String() + " may hold a key: this firmware does not say"
	}
	return fmt.Sprintf("%s holds a key (%s)", e.Place, e.Key.Algorithm)
}

// An OtherKeyError is a slot with another key than the one that is wanted.
type OtherKeyError struct{ Place Place }

func (e *OtherKeyError) Error() string {
	return e.Place.String() + " holds another key than the one that is wanted"
}

// A DigestError is something to sign that is not a digest for that key: the card would sign a part of it.
type DigestError struct {
	Algorithm  Algorithm
	Have, Want int // bytes
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("a %s key was to sign %d bytes, want a digest of %d", e.Algorithm, e.Have, e.Want)
}

// A ManagementKeyError is a card whose management key is none that was known.
type ManagementKeyError struct{ Serial uint32 }

func (e *ManagementKeyError) Error() string {
	return fmt.Sprintf("YubiKey %d has a management key of its own, and it is not kept under the PIN", e.Serial)
}

// An AnswerError is what no card of the kind would answer.
type AnswerError struct {
	Asked string
	Found string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the card's answer to %s makes no sense: %s", e.Asked, e.Found)
}

// errUnknown is old firmware, which does not tell a slot that is empty from one whose key was imported.
var errUnknown = errors.New("this firmware does not say whether the slot holds a key")

// errRefused is the card's answer to a missing PIN, a missed touch and a wrong management key alike.
var errRefused = errors.New("the card refused")

func isEmpty(err error) bool {
	var e *EmptyError
	return errors.As(err, &e)
}

// placed says which slot is empty, to an error that does not know.
func placed(err error, at Place) error {
	if isEmpty(err) {
		return &EmptyError{at}
	}
	if errors.Is(err, errUnknown) {
		return fmt.Errorf("%s: %w", at, err)
	}
	return err
}
