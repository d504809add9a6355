package keystore

import (
	"context"
	"sync"
)

// precomputed derives in advance the key that will encrypt the next item. The derivation takes about 1 ms and runs
// while the caller waits for AWS.
type precomputed struct {
	mu         sync.Mutex
	expected   int           // the number of items that are announced but not written yet
	passphrase string        // the passphrase from which result is derived
	result     chan wrapping // delivers the derived key; closed without a key after a failure; nil if not started
}

// expect announces that an item will be written.
func (s *precomputed) expect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected++
}

// start starts a derivation from passphrase in the background, and returns true. It does nothing and returns false
// if no item is announced, or if an earlier call already started a derivation from this passphrase and get has not
// used the key from that derivation yet.
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

// get returns a derived key for one item. It never returns the same key twice. If there is a precomputed key for
// this passphrase, get returns that key. Otherwise, get derives a key.
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

// expectPut announces a Put. As soon as the user has answered the passphrase prompt, a goroutine derives a key and
// verifies the answer. expectPut itself never prompts.
func (p *passphrase) expectPut() {
	p.precomputed.expect()
	go func() {
		if release, err := p.promptLock.Lock(context.Background()); err == nil {
			defer release()
			p.precompute()
		}
	}()
}

// precompute starts the background work for announced items. The caller holds promptLock. If the user has not
// answered the passphrase prompt yet, precompute does nothing, and is called again after the answer.
func (p *passphrase) precompute() {
	if (p.answered || p.verified) && p.precomputed.start(p.answer) && !p.verified {
		go p.verify()
	}
}

// verify tries the user's answer on existing items. If the answer is wrong, verify does nothing: unlock tries the
// answer again later and can prompt.
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
