package fakecard

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
)

// A client is one connection to the service. libpcsclite sends numbers in the machine's byte order. The fake service
// supports only little-endian machines. The formats of the messages are specified in:
// https://salsa.debian.org/rousseau/PCSC/-/blob/master/src/winscard_msg.h
type client struct {
	service *Service
	conn    net.Conn
	handles map[uint32]*handle
}

// A handle is a card that a client has open.
type handle struct {
	reader    *reader
	card      *Card
	insertion uint32
	exclusive bool
}

const (
	rcInvalidHandle = 0x80100003
	rcUnknownReader = 0x80100009
	rcSharing       = 0x8010000b
	rcNoCard        = 0x8010000c
	rcNotTransacted = 0x80100016
	rcStopped       = 0x8010001e
	rcUnsupported   = 0x8010001f
	rcReset         = 0x80100068
	rcRemoved       = 0x80100069

	protocolT1     = 2
	shareExclusive = 1
	leaveAsIs      = 0 // the call does not reset the card; any other value resets it
	maxMessage     = 1 << 20
	readerBytes    = 184 // the size, in bytes, of one reader in the list of readers
	maxAPDUBytes   = 1 << 16
)

// A message is the body of a request. The service writes the response into the same bytes.
type message []byte

func (m message) word(at int) uint32   { return binary.LittleEndian.Uint32(m[at:]) }
func (m message) set(at int, v uint32) { binary.LittleEndian.PutUint32(m[at:], v) }
func (m message) text(from, to int) string {
	s, _, _ := strings.Cut(string(m[from:to]), "\x00")
	return s
}

// A request describes one kind of request: the minimum length of its body in bytes, and the method that handles it.
type request struct {
	atLeast int
	do      func(*client, message) error
}

// requests maps each request number of the protocol to its description.
var requests = map[uint32]request{
	0x01: {12, (*client).establish},
	0x02: {8, answer(4)}, // SCardReleaseContext
	0x04: {152, (*client).connect},
	0x05: {24, (*client).reconnect},
	0x06: {12, (*client).disconnect},
	0x07: {8, (*client).begin},
	0x08: {12, (*client).end},
	0x09: {32, (*client).transmit},
	0x0a: {24, (*client).control},
	0x0b: {8, (*client).state},
	0x0d: {8, answer(4)},                                                                         // SCardCancel
	0x0f: {280, func(c *client, m message) error { return c.reply(m, len(m)-4, rcUnsupported) }}, // SCardGetAttrib
	0x11: {12, (*client).version},
	0x12: {0, (*client).list},
	0x13: {0, (*client).wait},
	0x14: {0, (*client).stopWaiting},
}

func answer(at int) func(*client, message) error {
	return func(c *client, m message) error { return c.reply(m, at, 0) }
}

func newClient(s *Service, conn net.Conn) *client {
	return &client{service: s, conn: conn, handles: map[uint32]*handle{}}
}

// serve handles the client's requests until the client disconnects or sends an invalid request.
func (c *client) serve() {
	defer c.close()
	var head [8]byte
	for {
		if _, err := io.ReadFull(c.conn, head[:]); err != nil {
			return
		}
		size, r := binary.LittleEndian.Uint32(head[:]), requests[binary.LittleEndian.Uint32(head[4:])]
		if r.do == nil || size > maxMessage || int(size) < r.atLeast {
			return
		}
		m := make(message, size)
		if _, err := io.ReadFull(c.conn, m); err != nil {
			return
		}
		if err := c.handle(r, m); err != nil {
			return
		}
	}
}

func (c *client) handle(r request, m message) error {
	c.service.mu.Lock()
	defer c.service.mu.Unlock()
	return r.do(c, m)
}

// close closes all cards that the client has open. It resets a card if the client has a transaction with the card.
func (c *client) close() {
	c.conn.Close()
	c.service.mu.Lock()
	defer c.service.mu.Unlock()
	delete(c.service.waiters, c)
	for _, h := range c.handles {
		if h.reader.owner == c {
			h.card.Reset()
		}
		c.closeHandle(h)
	}
}

// closeHandle closes the card of a handle.
func (c *client) closeHandle(h *handle) {
	if h.exclusive {
		h.reader.exclusive = false
	} else {
		h.reader.shared--
	}
	if h.reader.owner == c {
		h.reader.owner, h.reader.depth = nil, 0
	}
	c.service.released.Broadcast()
}

// reply writes the return code into the message at the given offset, and sends the message back as the response.
func (c *client) reply(m message, at int, code uint32) error {
	m.set(at, code)
	_, err := c.conn.Write(m)
	return err
}

// version accepts every protocol version, unless the test requires one minor version with RequireMinor.
func (c *client) version(m message) error {
	const minor, code = 4, 8
	if only := c.service.minor; only != 0 && m.word(minor) != only {
		m.set(minor, only)
		return c.reply(m, code, rcStopped)
	}
	return c.reply(m, code, 0)
}

func (c *client) establish(m message) error {
	m.set(4, c.service.nextID())
	return c.reply(m, 8, 0)
}

func (c *client) connect(m message) error {
	const name, mode, handleAt, protocol, code = 4, 132, 140, 144, 148
	r, exclusive := c.service.reader(m.text(name, mode)), m.word(mode) == shareExclusive
	switch {
	case r == nil:
		return c.reply(m, code, rcUnknownReader)
	case r.card == nil:
		return c.reply(m, code, rcNoCard)
	case r.exclusive || exclusive && r.shared > 0:
		return c.reply(m, code, rcSharing)
	case exclusive:
		r.exclusive = true
	default:
		r.shared++
	}
	n := c.service.nextID()
	c.handles[n] = &handle{reader: r, card: r.card, insertion: r.insertion, exclusive: exclusive}
	m.set(handleAt, n)
	m.set(protocol, protocolT1)
	return c.reply(m, code, 0)
}

// find returns the handle whose number is at the start of a message. It returns an error code if the handle cannot be
// used.
func (c *client) find(m message) (*handle, uint32) {
	h := c.handles[m.word(0)]
	switch {
	case h == nil:
		return nil, rcInvalidHandle
	case h.reader.card == nil:
		return h, rcRemoved
	case h.reader.insertion != h.insertion:
		return h, rcReset
	}
	return h, 0
}

func (c *client) reconnect(m message) error {
	const initialization, protocol, code = 12, 16, 20
	h := c.handles[m.word(0)]
	switch {
	case h == nil:
		return c.reply(m, code, rcInvalidHandle)
	case h.reader.card == nil:
		return c.reply(m, code, rcNoCard)
	case m.word(initialization) != leaveAsIs:
		h.reader.card.Reset()
	}
	h.card, h.insertion = h.reader.card, h.reader.insertion
	m.set(protocol, protocolT1)
	return c.reply(m, code, 0)
}

func (c *client) disconnect(m message) error {
	const disposition, code = 4, 8
	h, why := c.find(m)
	if h == nil {
		return c.reply(m, code, why)
	}
	if why == 0 && m.word(disposition) != leaveAsIs {
		h.card.Reset()
	}
	c.closeHandle(h)
	delete(c.handles, m.word(0))
	return c.reply(m, code, 0)
}

// begin starts a transaction with the card. It first waits until no other client has a transaction with the card.
func (c *client) begin(m message) error {
	const code = 4
	h, why := c.find(m)
	if why != 0 {
		return c.reply(m, code, why)
	}
	for h.reader.owner != nil && h.reader.owner != c {
		if c.service.closed {
			return net.ErrClosed
		}
		c.service.released.Wait()
	}
	h.reader.owner = c
	h.reader.depth++
	return c.reply(m, code, 0)
}

func (c *client) end(m message) error {
	const disposition, code = 4, 8
	h, why := c.find(m)
	switch {
	case h == nil:
		return c.reply(m, code, why)
	case h.reader.owner != c:
		return c.reply(m, code, rcNotTransacted)
	}
	if h.reader.depth--; h.reader.depth == 0 {
		h.reader.owner = nil
		c.service.released.Broadcast()
	}
	if why == 0 && m.word(disposition) != leaveAsIs {
		h.card.Reset()
	}
	return c.reply(m, code, why)
}

// transmit sends an APDU to the card. It unlocks the service while the card works. A touch can take long, and
// during this time other clients must be served and the card can be removed.
func (c *client) transmit(m message) error {
	const size, protocol, answered, code = 12, 16, 24, 28
	if m.word(size) > maxAPDUBytes {
		return io.ErrUnexpectedEOF
	}
	apdu := make([]byte, m.word(size))
	if _, err := io.ReadFull(c.conn, apdu); err != nil {
		return err
	}
	h, why := c.find(m)
	var out []byte
	if why == 0 {
		c.service.mu.Unlock()
		out = h.card.Transmit(apdu)
		c.service.mu.Lock()
		if out == nil {
			why = rcRemoved
		} else {
			_, why = c.find(m)
		}
	}
	if why != 0 {
		out = nil
	}
	m.set(protocol, protocolT1)
	m.set(answered, uint32(len(out)))
	m.set(code, why)
	_, err := c.conn.Write(append(m, out...))
	return err
}

// control handles commands for readers with a keypad or a display. The fake service does not support such readers.
func (c *client) control(m message) error {
	const size, code = 8, 20
	if _, err := io.CopyN(io.Discard, c.conn, int64(m.word(size))); err != nil {
		return err
	}
	return c.reply(m, code, rcUnsupported)
}

func (c *client) state(m message) error {
	_, why := c.find(m)
	return c.reply(m, 4, why)
}

// list sends the list of all readers and their cards.
func (c *client) list(message) error {
	_, err := c.conn.Write(c.service.list())
	return err
}

// wait sends the list of all readers. When the list changes after that, the client receives a notification.
func (c *client) wait(message) error {
	c.service.waiters[c] = true
	return c.list(nil)
}

func (c *client) stopWaiting(message) error {
	delete(c.service.waiters, c)
	_, err := c.conn.Write(make([]byte, 8))
	return err
}

func (s *Service) list() []byte {
	const (
		events, stateAt, shared, atrAt, atrSize, protocol = 128, 132, 136, 140, 176, 180
		maxName                                           = 127
		empty                                             = 0x02
		present                                           = 0x04 | 0x10 | 0x20 // present, powered, no protocol negotiated
	)
	all := make([]byte, readerBytes*maxReaders)
	for i, r := range s.readers[:min(len(s.readers), maxReaders)] {
		m := message(all[i*readerBytes:][:readerBytes])
		copy(m[:maxName], r.name)
		m.set(events, r.events)
		m.set(stateAt, empty)
		m.set(shared, uint32(r.shared))
		if r.exclusive {
			m.set(shared, ^uint32(0))
		}
		if r.card != nil {
			m.set(stateAt, present)
			copy(m[atrAt:], atr)
			m.set(atrSize, uint32(len(atr)))
			m.set(protocol, protocolT1)
		}
	}
	return all
}
