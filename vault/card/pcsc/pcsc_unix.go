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

// defaultSocket is the socket of pcscd.
const defaultSocket = "/run/pcscd/pcscd.comm"

// The oldest version of pcscd's protocol that this package supports. Newer minor versions have additional commands,
// but do not change the commands that this package uses.
// https://pcsclite.apdu.fr/api/winscard__msg_8h_source.html
const (
	major = 4
	minor = 4
)

// The commands of pcscd's protocol. Each message starts with its size and its command.
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

// A Service is a connection to pcscd. Only one goroutine may use it at a time.
type Service struct {
	conn    net.Conn
	stop    func() bool // cancels the context.AfterFunc that interrupts conn when ctx ends
	ctx     context.Context
	context uint32
}

// Open connects to the service at the socket path, or to the system's service if path is empty. If ctx ends while
// a method of the service is running, the method fails with ctx's cause. Open returns [ErrNoService] if no service is
// running, and an [Error] if the service returns an error code.
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

// handshake negotiates the protocol version and creates the PC/SC context, which is needed to open cards.
func (s *Service) handshake() error {
	if err := s.negotiateVersion(minor); err != nil {
		return err
	}
	const system = 2 // SCARD_SCOPE_SYSTEM: the cards of all users
	answer, err := s.callChecked(establish, encodeWords(system, 0, 0), 12, 8)
	if err != nil {
		return err
	}
	s.context = wordAt(answer, 4)
	return nil
}

// negotiateVersion proposes a minor protocol version to the service. pcscd 2.3.0 to 2.4.0 accepts only its own
// minor version. It rejects other versions with a response that contains its own version. If pcscd's version is
// newer, negotiateVersion proposes it in a second attempt.
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
	return fmt.Errorf("the PC/SC service uses protocol version %d.%d, expected %d.%d", wordAt(answer, 0), theirs, major, wanted)
}

// Close ends the connection and closes all its cards.
func (s *Service) Close() error {
	_, err := s.callChecked(release, encodeWords(s.context, 0), 8, 4)
	s.stop()
	return errors.Join(err, s.conn.Close())
}

// The number of entries in the list of readers, the size of an entry in bytes, and the size of the name in an
// entry, in bytes.
const (
	maxReaders = 16
	readerSize = 184
	nameSize   = 128
)

// Readers lists the card readers.
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

// A Card is an open card. No other program can send it commands until Close.
type Card struct {
	service  *Service
	handle   uint32
	protocol uint32
}

// Card opens the card in a reader and starts a transaction, so that no other program can send commands to the card.
// If another program has a transaction with the card, Card waits until that transaction ends.
func (s *Service) Card(reader string) (*Card, error) { return s.open(reader, shared, protocols) }

// Exclusive opens the card in a reader for exclusive access with the protocol T=1, as piv-go does. It returns
// [InUse] if another program has the card open.
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

// Transmit sends one command to the card and returns the response.
func (c *Card) Transmit(command []byte) ([]byte, error) {
	const header = 16 // the size of SCARD_IO_REQUEST in bytes, as libpcsclite sends it
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
		return nil, fmt.Errorf("the PC/SC service announced a response of %d bytes, expected at most %d", n, maxAnswer)
	}
	return c.service.read(int(n))
}

// Close ends the transaction and closes the card, so that other programs can use it.
func (c *Card) Close() error {
	_, err := c.service.callChecked(end, encodeWords(c.handle, leaveCard, 0), 12, 8)
	_, last := c.service.callChecked(disconnect, encodeWords(c.handle, leaveCard, 0), 12, 8)
	return errors.Join(err, last)
}

// call sends a message and returns the response. The argument size is the number of bytes in the response, which
// the protocol specifies for each command.
func (s *Service) call(command uint32, body []byte, size int) ([]byte, error) {
	return s.exchange(command, body, nil, size)
}

// callChecked is like call, and returns an [Error] if the response contains an error code. The argument at is the
// offset of the error code in the response, in bytes.
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

// connectionError returns ctx's cause if ctx is done. Otherwise it returns err.
func (s *Service) connectionError(err error) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return fmt.Errorf("PC/SC service: %w", err)
}

// encodeWords encodes numbers in this machine's byte order. The service runs on this machine and uses the same order.
func encodeWords(list ...uint32) []byte {
	var b []byte
	for _, w := range list {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return b
}

func wordAt(b []byte, at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
