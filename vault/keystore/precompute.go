package keystore

import (
	"context"
	"sync"
)

// A spare is a wrapping that is derived before it is needed: it takes a millisecond, which whoever
// expects an item spends on waiting for AWS.
type precomputed struct {
	mu         sync.Mutex
	expected   int           // items that are expected
	passphrase string        // the passphrase that made is derived from
	result     chan wrapping // gets the wrapping, unless that fails; nil where none was begun
}

// expect counts another item.
func (s *precomputed) expect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected++
}

// start derives from the passphrase, if an item is expected and that was not begun.
func (s *precomputed) start(passphrase string) (started bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expected == 0 || s.result != nil && s.passphrase == passphrase {
		return false
	}
	result := make(chan wrapping, 1)
	s.passphrase, s.result = passphrase, result
	go func() {
		defer close(result)
		if w, err := newWrapping(passphrase); err == nil {
			result <- w
		}
	}()
	return true
}

// get returns a wrapping that nobody else has.
func (s *precomputed) get(passphrase string) (wrapping, error) {
	s.mu.Lock()
	result, source := s.result, s.passphrase
	s.result, s.expected = nil, max(0, s.expected-1)
	s.mu.Unlock()
	s.start(passphrase)
	if result != nil && source == passphrase {
		if w, ok := <-result; ok {
			return w, nil
		}
	}
	return newWrapping(passphrase)
}

// expectPut says that an item is about to be put. What can be done without asking is done as soon as
// there is an answer: a wrapping is derived, and the answer tried if nobody knows whether it is right.
func (p *passphrase) expectPut() {
	p.precomputed.expect()
	go func() {
		if release, err := p.promptLock.Lock(context.Background()); err == nil {
			defer release()
			p.precompute()
		}
	}()
}

// start does what can be done for items that are expected. It is called by who has the turn, and
// where there is no answer yet, again by who gets it.
func (p *passphrase) precompute() {
	if (p.answered || p.verified) && p.precomputed.start(p.answer) && !p.verified {
		go p.verify()
	}
}

// verify finds out whether the answer is right. If it is not, that is left to unlock, which can ask.
func (p *passphrase) verify() {
	release, err := p.promptLock.Lock(context.Background())
	if err != nil {
		return
	}
	defer release()
	if p.answered && !p.verified && p.opensItems(p.answer, nil) {
		p.verified = true
	}
}
