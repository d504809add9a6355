// Package fakecard is a fake YubiKey that tests use through PC/SC like a real one. A Service replaces
// pcscd, so that libpcsclite connects to it. ServeVPCD connects the card to a real pcscd instead. The
// card counts the commands it receives, and simulates failures on demand. Only tests import the package.
package fakecard

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

// Options describe a card. With the zero Options, the card is a YubiKey 5 with firmware 5.7.1.
type Options struct {
	Serial  uint32
	Version [3]byte
	Now     func() time.Time // the card's clock; nil means the system clock
}

// A Card is a fake YubiKey. A new Card has the factory PIN 123456, PUK 12345678 and management key.
type Card struct {
	serial   uint32
	version  [3]byte
	now      func() time.Time
	recorder recorder
	piv      *pivApplet
	oath     *oathApplet

	mu       sync.Mutex // held during a command, because a card runs one command at a time
	applets  []applet
	selected applet
	chain    []byte // the data received so far of a command that is sent in chained parts
	rest     []byte // the part of the response that has not been sent yet
}

// An applet responds to the commands that are sent while it is selected.
type applet interface {
	aid() []byte
	// selectResponse returns the response to SELECT.
	selectResponse() []byte
	// clearAuth ends the access that a PIN, a password or the management key has granted.
	clearAuth()
	// name returns the name by which the recorder counts a command.
	name(command) string
	do(command) ([]byte, status)
	// next returns the instruction code of the command that requests the rest of a response.
	next() byte
}

const (
	insSelect    = 0xa4
	insRest      = 0xc0
	maxChained   = 4096 // the maximum length, in bytes, of the data of all chained parts of a command together
	classChained = 0x10
)

// New returns a new card.
func New(o Options) *Card {
	if o.Serial == 0 {
		o.Serial = 12345678
	}
	if o.Version == [3]byte{} {
		o.Version = [3]byte{5, 7, 1}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Card{serial: o.Serial, version: o.Version, now: o.Now}
	c.piv, c.oath = newPIV(c), newOATH(c)
	c.applets = []applet{c.piv, c.oath, &managementApplet{c}, &otpApplet{c}}
	return c
}

// Serial returns the serial number that is printed on the card.
func (c *Card) Serial() uint32 { return c.serial }

// atLeast reports whether the firmware has the version major.minor or a later version.
func (c *Card) atLeast(major, minor byte) bool {
	return c.version[0] > major || c.version[0] == major && c.version[1] >= minor
}

// atr is the answer of a YubiKey 5 NFC to a reset over USB. It offers only the protocol T=1, which piv-go
// requests.
var atr = []byte{0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79, 0x40}

// Reset turns the card's power off and on. After that, the PIN, the password or the management key must be sent again.
func (c *Card) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.selected != nil {
		c.selected.clearAuth()
	}
	c.selected, c.chain, c.rest = nil, nil, nil
}

// Transmit sends one APDU to the card and returns the card's response. It returns nil if the card was removed before
// the card could respond.
func (c *Card) Transmit(apdu []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, s := c.transmit(apdu)
	if c.recorder.isRemoved() {
		return nil
	}
	return append(bytes.Clone(answer), byte(s>>8), byte(s))
}

func (c *Card) transmit(apdu []byte) ([]byte, status) {
	cmd, ok := parseCommand(apdu)
	switch {
	case !ok:
		return nil, wrongLength
	case cmd.cla&^classChained != 0:
		return nil, unknownClass
	case c.rest != nil && cmd.ins == c.nextInstruction():
		return c.page(c.rest, done, cmd)
	}
	c.rest = nil
	if len(c.chain)+len(cmd.data) > maxChained {
		c.chain = nil
		return nil, noSpace
	}
	if cmd.cla&classChained != 0 {
		c.chain = append(c.chain, cmd.data...)
		return nil, done
	}
	if c.chain != nil {
		cmd.data, c.chain = append(c.chain, cmd.data...), nil
	}
	if cmd.ins == insSelect && cmd.p1 == 0x04 {
		return c.selectApplet(cmd)
	}
	if c.selected == nil {
		return nil, unknownCommand
	}
	name := c.selected.name(cmd)
	if c.recorder.recordCommand(name); c.recorder.isRemoved() {
		return nil, done
	}
	if response, ok := c.recorder.response(name); ok {
		return c.page(response, done, cmd)
	}
	answer, s := c.selected.do(cmd)
	return c.page(answer, s, cmd)
}

func (c *Card) nextInstruction() byte {
	if c.selected == nil {
		return insRest
	}
	return c.selected.next()
}

// selectApplet selects an applet, and ends the access that another applet has granted. If the current applet is
// selected again, the PIV applet keeps the access. The OATH applet locks itself again if it has a password.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-73-4.pdf part 2, 3.1.1
func (c *Card) selectApplet(cmd command) ([]byte, status) {
	for _, a := range c.applets {
		if len(cmd.data) == 0 || !bytes.HasPrefix(a.aid(), cmd.data) && !bytes.HasPrefix(cmd.data, a.aid()) {
			continue
		}
		if c.selected != nil && c.selected != a {
			c.selected.clearAuth()
		}
		c.selected = a
		c.recorder.recordCommand(fmt.Sprintf("select %x", cmd.data))
		return c.page(a.selectResponse(), done, cmd)
	}
	return nil, notFound
}

// page returns the first part of the response, at most as long as cmd allows. It stores the rest, which the client
// can request with further commands.
func (c *Card) page(answer []byte, s status, cmd command) ([]byte, status) {
	most := cmd.maxAnswer
	if most == 0 {
		most = 256
	}
	if s != done || len(answer) <= most {
		c.rest = nil
		return answer, s
	}
	c.rest = answer[most:]
	return answer[:most], moreToCome | status(min(len(c.rest), 0xff))
}
