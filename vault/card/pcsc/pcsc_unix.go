//go:build unix && !darwin

package pcsc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"
)

// defaultSocket is where pcscd listens, if nothing else is said.
const defaultSocket = "/run/pcscd/pcscd.comm"

// The oldest version of pcscd's protocol that this package speaks. Later minor versions have added commands, and have
// not changed the ones used here.
// https://pcsclite.apdu.fr/api/winscard__msg_8h_source.html
const (
	major = 4
	minor = 4
)

// The commands, of which each message begins with one.
const (
	establish  = 0x01
	release    = 0x02
	connect    = 0x04
	disconnect = 0x06
	begin      = 0x07
	end        = 0x08
	transmit   = 0x09
	version    = 0x11
	states     = 0x12
)

// A Service is a connection to pcscd. It is used by one goroutine at a time.
type Service struct {
	conn    net.Conn
	stop    func() bool // of watching the context
	ctx     context.Context
	context uint32
}

// Open connects to the service whose socket is at path; empty for the system's own. When ctx
// ends, so does what is going on, with ctx's cause. It fails with [ErrNoService] where none
// runs, or with an [Error].
func Open(ctx context.Context, path string) (*Service, error) {
	if path == "" {
		path = defaultSocket
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, ErrNoService
	case err != nil:
		return nil, fmt.Errorf("PC/SC service: %w", err)
	}
	s := &Service{conn: conn, ctx: ctx}
	s.stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	if err := s.handshake(); err != nil {
		s.stop()
		conn.Close()
		return nil, err
	}
	return s, nil
}

// handshake agrees on the protocol and gets a context, in which cards are used.
func (s *Service) handshake() error {
	if err := s.negotiateVersion(minor); err != nil {
		return err
	}
	const system = 2 // all users' cards
	answer, err := s.callChecked(establish, encodeWords(system, 0, 0), 12, 8)
	if err != nil {
		return err
	}
	s.context = wordAt(answer, 4)
	return nil
}

// negotiateVersion names a minor version of the protocol. pcscd 2.3.0 to 2.4.0 refuses every version but its own and returns
// that, so a newer one is named once more.
func (s *Service) negotiateVersion(wanted uint32) error {
	answer, err := s.call(version, encodeWords(major, wanted, 0), 12)
	if err != nil {
		return err
	}
	theirs, refused := wordAt(answer, 4), wordAt(answer, 8) != 0
	switch {
	case !refused:
		return nil
	case wordAt(answer, 0) == major && wanted == minor && theirs > minor:
		return s.negotiateVersion(theirs)
	}
	return fmt.Errorf("the PC/SC service speaks version %d.%d, want %d.%d", wordAt(answer, 0), theirs, major, wanted)
}

// Close ends the connection, and with it the use of all its cards.
func (s *Service) Close() error {
	_, err := s.callChecked(release, encodeWords(s.context, 0), 8, 4)
	s.stop()
	return errors.Join(err, s.conn.Close())
}

// The list of readers has room for so many, each so long.
const (
	maxReaders = 16
	readerSize = 184
	nameSize   = 128
)

// Readers lists the readers there are.
func (s *Service) Readers() ([]Reader, error) {
	answer, err := s.call(states, nil, maxReaders*readerSize)
	if err != nil {
		return nil, err
	}
	const present = 4
	var all []Reader
	for i := range maxReaders {
		r := answer[i*readerSize:][:readerSize]
		if name, _, _ := strings.Cut(string(r[:nameSize]), "\x00"); name != "" {
			all = append(all, Reader{name, wordAt(r, 132)&present != 0})
		}
	}
	return all, nil
}

// A Card is used alone until Close.
type Card struct {
	service  *Service
	handle   uint32
	protocol uint32
}

// Card opens the card in a reader and keeps other programs from it between commands. It waits while another program
// does the same.
func (s *Service) Card(reader string) (*Card, error) { return s.open(reader, shared, protocols) }

// Exclusive opens the card in a reader as piv-go does: over T=1, and only if no other program has it open, which is
// otherwise the error [InUse].
func (s *Service) Exclusive(reader string) (*Card, error) {
	const exclusive, t1 = 1, 2
	return s.open(reader, exclusive, t1)
}

func (s *Service) open(reader string, mode, protocols uint32) (*Card, error) {
	if len(reader) >= nameSize {
		return nil, NoReader
	}
	body := make([]byte, 152)
	binary.NativeEndian.PutUint32(body, s.context)
	copy(body[4:], reader)
	copy(body[132:], encodeWords(mode, protocols))
	answer, err := s.callChecked(connect, body, len(body), 148)
	if err != nil {
		return nil, err
	}
	c := &Card{s, wordAt(answer, 140), wordAt(answer, 144)}
	if _, err := s.callChecked(begin, encodeWords(c.handle, 0), 8, 4); err != nil {
		s.callChecked(disconnect, encodeWords(c.handle, leaveCard, 0), 12, 8)
		return nil, err
	}
	return c, nil
}

// Transmit gives the card one command and returns its answer.
func (c *Card) Transmit(command []byte) ([]byte, error) {
	const header = 16 // of a protocol's control information, on the service's side
	body := encodeWords(c.handle, c.protocol, header, uint32(len(command)), 0, 0, maxAnswer, 0)
	answer, err := c.service.exchange(transmit, body, command, len(body))
	if err == nil {
		err = errorAt(answer, 28)
	}
	if err != nil {
		return nil, err
	}
	n := wordAt(answer, 24)
	if n > maxAnswer {
		return nil, fmt.Errorf("the PC/SC service announces %d bytes, want at most %d", n, maxAnswer)
	}
	return c.service.read(int(n))
}

// Close lets others use the card.
func (c *Card) Close() error {
	_, err := c.service.callChecked(end, encodeWords(c.handle, leaveCard, 0), 12, 8)
	_, last := c.service.callChecked(disconnect, encodeWords(c.handle, leaveCard, 0), 12, 8)
	return errors.Join(err, last)
}

// call sends a message and returns the answer, whose size the protocol fixes.
func (s *Service) call(command uint32, body []byte, size int) ([]byte, error) {
	return s.exchange(command, body, nil, size)
}

// callChecked is call for answers that say at an offset how it went.
func (s *Service) callChecked(command uint32, ask []byte, size, at int) ([]byte, error) {
	answer, err := s.call(command, ask, size)
	if err == nil {
		err = errorAt(answer, at)
	}
	return answer, err
}

func errorAt(answer []byte, at int) error {
	if code := Error(wordAt(answer, at)); code != 0 {
		return code
	}
	return nil
}

func (s *Service) exchange(command uint32, body, more []byte, size int) ([]byte, error) {
	message := append(append(encodeWords(uint32(len(body)), command), body...), more...)
	if _, err := s.conn.Write(message); err != nil {
		return nil, s.connectionError(err)
	}
	return s.read(size)
}

func (s *Service) read(size int) ([]byte, error) {
	answer := make([]byte, size)
	if _, err := io.ReadFull(s.conn, answer); err != nil {
		return nil, s.connectionError(err)
	}
	return answer, nil
}

// connectionError is the error of a connection that ended.
func (s *Service) connectionError(err error) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return fmt.Errorf("PC/SC service: %w", err)
}

// The service is on this machine, and writes numbers as it does.
func encodeWords(list ...uint32) []byte {
	var b []byte
	for _, w := range list {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return b
}

func wordAt(b []byte, at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
