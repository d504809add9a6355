package keystore

import (
	"context"
	"sync"
)

// A spare is a wrapping that is derived before it is needed: it takes a millisecond, which whoever
// expects an item spends on waiting for AWS.
type spare struct {
	mu     sync.Mutex
	wanted int           // items that are expected
	of     string        // the passphrase that made is derived from
	made   chan wrapping // gets the wrapping, unless that fails; nil where none was begun
}

// want counts another item.
func (s *spare) want() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted++
}

// begin derives from the passphrase, if an item is expected and that was not begun.
func (s *spare) begin(passphrase string) (begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == 0 || s.made != nil && s.of == passphrase {
		return false
	}
	made := make(chan wrapping, 1)
	s.of, s.made = passphrase, made
	go func() {
		defer close(made)
		if w, err := newWrapping(passphrase); err == nil {
			made <- w
		}
	}()
	return true
}

// take returns a wrapping that nobody else has.
func (s *spare) take(passphrase string) (wrapping, error) {
	s.mu.Lock()
	made, of := s.made, s.of
	s.made, s.wanted = nil, max(0, s.wanted-1)
	s.mu.Unlock()
	s.begin(passphrase)
	if made != nil && of == passphrase {
		if w, ok := <-made; ok {
			return w, nil
		}
	}
	return newWrapping(passphrase)
}

// expect says that an item is about to be put. What can be done without asking is done as soon as
// there is an answer: a wrapping is derived, and the answer tried if nobody knows whether it is right.
func (p *passphrase) expect() {
	p.spare.want()
	go func() {
		if give, err := p.turn.Lock(context.Background()); err == nil {
			defer give()
			p.begin()
		}
	}()
}

// begin does what can be done for items that are expected. It is called by who has the turn, and
// where there is no answer yet, again by who gets it.
func (p *passphrase) begin() {
	if (p.said || p.known) && p.spare.begin(p.text) && !p.known {
		go p.try()
	}
}

// try finds out whether the answer is right. If it is not, that is left to unlock, which can ask.
func (p *passphrase) try() {
	give, err := p.turn.Lock(context.Background())
	if err != nil {
		return
	}
	defer give()
	if p.said && !p.known && p.serves(p.text, nil) {
		p.known = true
	}
}
