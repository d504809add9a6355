package fakecard

import "bytes"

const (
	refPIN     = 0x80
	refPUK     = 0x81
	factoryPIN = "123456"
	factoryPUK = "12345678"
	pinLength  = 8 // length of a PIN in bytes; a shorter PIN is padded with 0xff
)

// A secret is the PIN or the PUK.
type secret struct {
	value     []byte
	left, all byte // number of remaining tries, and maximum number of tries
	factory   bool
}

func newSecret(text string, tries byte) secret {
	value := append([]byte(text), bytes.Repeat([]byte{0xff}, pinLength-len(text))...)
	return secret{value: value, left: tries, all: tries, factory: true}
}

// try checks a PIN or PUK. A wrong value uses up a try. When no tries are left, the PIN or PUK is blocked.
func (s *secret) try(guess []byte) status {
	if s.left == 0 {
		return blocked
	}
	if bytes.Equal(s.value, guess) {
		s.left = s.all
		return done
	}
	s.left--
	return s.refusal()
}

func (s *secret) refusal() status {
	if s.left == 0 {
		return blocked
	}
	return wrongTries | status(min(s.left, 15))
}

func (s *secret) set(value []byte) {
	s.value, s.left, s.factory = bytes.Clone(value), s.all, false
}

func (s *secret) metadata() []byte {
	return fields(field{1, []byte{0xff}}, field{5, boolByte(s.factory)}, field{6, []byte{s.all, s.left}})
}

// BlockPIN blocks the PIN by using up all its tries.
func (c *Card) BlockPIN() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.piv.pin.left = 0
}

func (p *pivApplet) verify(c command) status {
	const logOut = 0xff
	switch {
	case c.p2 != refPIN:
		return noReference
	case c.p1 == logOut:
		p.pinVerified, p.pinFresh = false, false
		return done
	case len(c.data) == 0 && p.pinVerified:
		return done
	case len(c.data) == 0:
		return p.pin.refusal()
	case len(c.data) != pinLength:
		return wrongData
	}
	s := p.pin.try(c.data)
	p.pinVerified, p.pinFresh = s == done, s == done
	p.card.recorder.update(func(a *Usage) {
		a.PINs++
		if s != done {
			a.Wrong++
		}
	})
	return s
}

func (p *pivApplet) change(c command) status {
	which := &p.pin
	switch {
	case c.p2 == refPUK:
		which = &p.puk
	case c.p2 != refPIN:
		return noReference
	}
	if len(c.data) != 2*pinLength {
		return wrongData
	}
	s := which.try(c.data[:pinLength])
	if s == done {
		which.set(c.data[pinLength:])
	}
	return s
}

// unblock sets a new PIN if the client sends the correct PUK.
func (p *pivApplet) unblock(c command) status {
	if len(c.data) != 2*pinLength {
		return wrongData
	}
	s := p.puk.try(c.data[:pinLength])
	if s == done {
		p.pin.set(c.data[pinLength:])
	}
	return s
}

// setTries sets the maximum numbers of tries for the PIN and the PUK, and resets both to their factory values.
func (p *pivApplet) setTries(c command) status {
	switch {
	case !p.management.proved || !p.pinVerified:
		return notAllowed
	case c.p1 == 0 || c.p2 == 0:
		return wrongParameters
	}
	p.pin, p.puk = newSecret(factoryPIN, c.p1), newSecret(factoryPUK, c.p2)
	return done
}
