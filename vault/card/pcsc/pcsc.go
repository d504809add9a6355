// Package pcsc talks to smart cards through the system's PC/SC service, without a C library. What a
// card is told is left to others.
package pcsc

import (
	"errors"
	"fmt"
)

var (
	// ErrNoService is returned where no PC/SC service runs.
	ErrNoService = errors.New("no PC/SC service is running")

	// ErrUnsupported is returned where this build speaks to no PC/SC service.
	ErrUnsupported = errors.New("cards are not in this build")
)

// A Reader is a slot for a card. A security key is both at once.
type Reader struct {
	Name    string
	Present bool // a card is in it
}

// Error is a refusal by the PC/SC service.
// https://pcsclite.apdu.fr/api/group__ErrorCodes.html
type Error uint32

// The refusals that callers tell apart.
const (
	InUse      Error = 0x8010000b // another program holds the card for itself
	NoCard     Error = 0x8010000c
	NoReader   Error = 0x80100009 // none of that name
	Removed    Error = 0x80100069 // the card was, while it was in use
	Reset      Error = 0x80100068 // by another program
	NotAllowed Error = 0x8010006a // the system lets this user use no card
)

func (e Error) Error() string {
	switch e {
	case InUse:
		return "another program holds the card for itself"
	case NoCard:
		return "there is no card in the reader"
	case NoReader:
		return "there is no reader of that name"
	case Removed:
		return "the card was pulled out"
	case Reset:
		return "another program has reset the card"
	case NotAllowed:
		return "this user may use no card"
	}
	return fmt.Sprintf("the PC/SC service says %#x", uint32(e))
}

// maxAnswer bounds what a card answers to one command, in bytes.
const maxAnswer = 65538

// shared and leave are what is said of a card when it is opened and closed: others may use it
// too, and it stays as it is.
const (
	shared    = 2
	leaveCard = 0
)

// protocols are those a card may speak, T=0 and T=1.
const protocols = 3
