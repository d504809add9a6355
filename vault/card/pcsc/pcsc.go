// Package pcsc sends commands to smart cards through the system's PC/SC service, without a C library.
// The caller decides which commands to send.
package pcsc

import (
	"errors"
	"fmt"
)

var (
	// ErrNoService is returned if no PC/SC service is running.
	ErrNoService = errors.New("no PC/SC service is running")

	// ErrUnsupported is returned if this build cannot use a PC/SC service.
	ErrUnsupported = errors.New("this build cannot use smart cards")
)

// A Reader is a slot for a card. A security key is a reader and its card in one.
type Reader struct {
	Name    string
	Present bool // a card is in the reader
}

// Error is an error code of the PC/SC service.
// https://pcsclite.apdu.fr/api/group__ErrorCodes.html
type Error uint32

// The error codes that callers handle separately.
const (
	InUse      Error = 0x8010000b // another program has the card open; it or this program requires exclusive access
	NoCard     Error = 0x8010000c
	NoReader   Error = 0x80100009 // there is no reader with the given name
	Removed    Error = 0x80100069 // the card was removed while it was in use
	Reset      Error = 0x80100068 // another program has reset the card
	NotAllowed Error = 0x8010006a // the system does not allow this user to use cards
)

func (e Error) Error() string {
	switch e {
	case InUse:
		return "another program has the card open"
	case NoCard:
		return "there is no card in the reader"
	case NoReader:
		return "there is no card reader of that name"
	case Removed:
		return "the card was removed"
	case Reset:
		return "another program has reset the card"
	case NotAllowed:
		return "the system does not allow this user to use smart cards"
	}
	return fmt.Sprintf("the PC/SC service returned error %#x", uint32(e))
}

// maxAnswer is the maximum length of a card's response to one command, in bytes.
const maxAnswer = 65538

// The mode shared lets other programs open the card at the same time. The option leaveCard prevents a reset of the
// card when it is closed.
const (
	shared    = 2
	leaveCard = 0
)

// protocols is a bit mask of the protocols that a card may use: 1 for T=0 and 2 for T=1.
const protocols = 3
