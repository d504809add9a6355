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

// SocketVariable tells libpcsclite where the service listens. It is read once a process, so a
// test binary has one service for all its tests: see Start.
const SocketVariable = "PCSCLITE_CSOCK_NAME"

// A Service stands in for pcscd: readers with cards in them, behind a socket that libpcsclite connects to.
type Service struct {
	listener net.Listener

	mu       sync.Mutex
	released *sync.Cond // somebody has ended a transaction, or closed a card
	closed   bool
	minor    uint32 // version of the protocol that clients must speak; 0 for any
	readers  []*reader
	lastID   uint32 // nextID given to a context or a handle
	waiters  map[*client]bool
}

// A reader is a slot for a card.
type reader struct {
	name      string
	card      *Card  // nil if it is empty
	insertion uint32 // of the card in it, by a number
	events    uint32
	shared    int  // how many have it open
	exclusive bool // or one has it alone
	owner     *client
	depth     int // of the owner's transactions
}

// maxReaders is how many readers the service tells of; it is part of the protocol.
const maxReaders = 16

// Listen starts a service on a socket that is not there yet.
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

// Start starts a service that this process and those it starts will find. It is for TestMain, before libpcsclite
// is first called.
func Start() (s *Service, stop func(), err error) {
	dir, err := os.MkdirTemp("", "card") // a socket's path has to be short
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

// Close ends the service as if pcscd had stopped: who comes now finds none.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.released.Broadcast()
	return s.listener.Close()
}

// RequireMinor refuses clients that speak another minor version of the protocol, as pcscd 2.3.0 to 2.4.0 does.
func (s *Service) RequireMinor(minor uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.minor = minor
}

// Insert puts a card into the reader of that name, which is plugged in if there is none.
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

// Pull takes the card out of a reader, whatever it is doing.
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

// Unplug takes a reader away, with the card in it.
func (s *Service) Unplug(name string) {
	s.Pull(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = slices.DeleteFunc(s.readers, func(r *reader) bool { return r.name == name })
	s.notifyWaiters()
}

// eject empties a reader, if what is in it came to that stay.
func (s *Service) eject(r *reader, insertion uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.insertion == insertion && r.card != nil {
		r.card = nil
		s.readerChanged(r)
	}
}

// OpenExclusive is another program that has the reader to itself until release is called. It returns false if somebody has it open.
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

// Open reports how many programs have a card open.
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

// reader finds a reader; nil if there is none of that name.
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

// notifyWaiters tells those who wait for a card to come or go.
func (s *Service) notifyWaiters() {
	for c := range s.waiters {
		c.conn.Write(make([]byte, 8)) // a client that has gone is seen by who reads from it
		delete(s.waiters, c)
	}
}

// nextID is one that was not given before.
func (s *Service) nextID() uint32 {
	s.lastID++
	return s.lastID
}
