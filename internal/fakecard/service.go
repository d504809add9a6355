package fakecard

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// SocketVariable is the environment variable that tells libpcsclite the path of the service's socket. libpcsclite
// reads it once per process, so all tests of a test binary use the same service. See Start.
const SocketVariable = "PCSCLITE_CSOCK_NAME"

// A Service replaces pcscd. It has readers with cards, and a socket for clients such as libpcsclite.
type Service struct {
	listener net.Listener

	mu       sync.Mutex
	released *sync.Cond // signalled when a transaction ends, a card is closed or the service is closed
	closed   bool
	minor    uint32 // the minor protocol version that clients must use; 0 for any version
	readers  []*reader
	lastID   uint32 // the number used last for a context, a handle or an insertion
	waiters  map[*client]bool
}

// A reader is a slot for a card.
type reader struct {
	name      string
	card      *Card  // nil if the reader is empty
	insertion uint32 // identifies the current insertion; each insertion of a card gets a new number
	events    uint32
	shared    int  // number of clients that have the card open with shared access
	exclusive bool // whether a client has the card open with exclusive access
	owner     *client
	depth     int // number of nested transactions of the owner
}

// maxReaders is the number of entries in the list of readers, as the protocol specifies it.
const maxReaders = 16

// Listen starts a service on a new socket.
func Listen(socket string) (*Service, error) {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("PC/SC service: %w", err)
	}
	s := &Service{listener: l, waiters: map[*client]bool{}}
	s.released = sync.NewCond(&s.mu)
	go s.accept()
	return s, nil
}

// Start starts a service for this process and the processes that it starts. Call Start in TestMain, before libpcsclite
// is used.
func Start() (s *Service, stop func(), err error) {
	dir, err := os.MkdirTemp("", "card") // a short path, because the path of a socket must be short
	if err != nil {
		return nil, nil, err
	}
	socket := filepath.Join(dir, "s")
	if s, err = Listen(socket); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.Setenv(SocketVariable, socket); err != nil {
		return nil, nil, errors.Join(err, s.Close(), os.RemoveAll(dir))
	}
	return s, func() { s.Close(); os.RemoveAll(dir) }, nil
}

func (s *Service) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		go newClient(s, conn).serve()
	}
}

// Close stops the service. After that, clients cannot connect, as if pcscd had stopped.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.released.Broadcast()
	return s.listener.Close()
}

// RequireMinor makes the service accept only clients that use the given minor version of the protocol. pcscd 2.3.0
// to 2.4.0 also accepts only one minor version.
func (s *Service) RequireMinor(minor uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.minor = minor
}

// Insert inserts a card into the reader with the given name. If there is no such reader, Insert adds the reader.
func (s *Service) Insert(name string, c *Card) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reader(name)
	if r == nil {
		r = &reader{name: name}
		s.readers = append(s.readers, r)
	}
	c.Reset()
	insertion := s.nextID()
	c.recorder.insert(func() { s.eject(r, insertion) })
	r.card, r.insertion = c, insertion
	s.readerChanged(r)
}

// Pull removes the card from a reader, even during a command.
func (s *Service) Pull(name string) {
	s.mu.Lock()
	r := s.reader(name)
	var c *Card
	var insertion uint32
	if r != nil {
		c, insertion = r.card, r.insertion
	}
	s.mu.Unlock()
	if c != nil {
		c.recorder.removeCard()
		s.eject(r, insertion)
	}
}

// Unplug removes a reader together with its card.
func (s *Service) Unplug(name string) {
	s.Pull(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = slices.DeleteFunc(s.readers, func(r *reader) bool { return r.name == name })
	s.notifyWaiters()
}

// eject removes the card from a reader if insertion is still the reader's current insertion. Otherwise another
// card has been inserted, and eject does nothing.
func (s *Service) eject(r *reader, insertion uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.insertion == insertion && r.card != nil {
		r.card = nil
		s.readerChanged(r)
	}
}

// OpenExclusive simulates another program that opens the card in a reader with exclusive access until the returned
// function release is called. The result ok is false if there is no such reader, or if a program already has the card
// open.
func (s *Service) OpenExclusive(name string) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reader(name)
	if r == nil || r.exclusive || r.shared > 0 {
		return nil, false
	}
	r.exclusive = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.exclusive = false
		s.released.Broadcast()
	}, true
}

// Open returns the number of times that programs have opened a card and have not closed it yet.
func (s *Service) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open()
}

func (s *Service) open() int {
	n := 0
	for _, r := range s.readers {
		n += r.shared
		if r.exclusive {
			n++
		}
	}
	return n
}

// Idle waits until no program has a card open.
func (s *Service) Idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.open() > 0 && !s.closed {
		s.released.Wait()
	}
}

// reader returns the reader with the given name, or nil if there is no such reader.
func (s *Service) reader(name string) *reader {
	i := slices.IndexFunc(s.readers, func(r *reader) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return s.readers[i]
}

func (s *Service) readerChanged(r *reader) {
	r.events++
	s.notifyWaiters()
}

// notifyWaiters sends a notification to the clients that wait until a card is inserted or removed.
func (s *Service) notifyWaiters() {
	for c := range s.waiters {
		c.conn.Write(make([]byte, 8)) // an error is ignored: if the client has disconnected, reading from it fails too
		delete(s.waiters, c)
	}
}

// nextID returns a number that the service has not used before.
func (s *Service) nextID() uint32 {
	s.lastID++
	return s.lastID
}
