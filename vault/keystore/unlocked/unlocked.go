// Package unlocked stores the key of an unlocked keystore outside of any process, for a limited
// time. While it waits, every process of the same user can have it. What it opens is left to
// others.
package unlocked

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A Key is what waits.
type Key struct {
	ID     string // tells it from a key that came after it; 16 bytes at most
	Secret [32]byte
	Until  time.Time
}

// String keeps the secret out of logs.
func (k Key) String() string { return "key " + k.ID }

// GoString keeps the secret out of logs.
func (k Key) GoString() string { return k.String() }

var (
	// ErrNone says that no key waits under a name: it never did, its time is over, or the machine
	// has slept.
	ErrNone = errors.New("no key waits")

	// ErrUnsupported says that this system has no place for a key to wait.
	ErrUnsupported = errors.New("this system has no place where a key could wait")
)

// Keep makes a key wait under a name until its time is over, in place of any that is there.
func Keep(name string, k Key, now time.Time) error {
	left := k.Until.Sub(now)
	if left < time.Second || len(k.ID) > idSize {
		return fmt.Errorf("a key cannot wait for %s", left)
	}
	away, err := asleep()
	if err != nil {
		return err
	}
	return keep(name, encode(k, away), left)
}

// Find returns the key that waits under a name, or [ErrNone]. Any other error is the system's.
func Find(name string, now time.Time) (Key, error) {
	raw, err := find(name)
	if err != nil {
		return Key{}, err
	}
	k, then, ok := decode(raw)
	if !ok {
		return Key{}, ErrNone
	}
	away, err := asleep()
	if err != nil {
		return Key{}, err
	}
	if away-then > napping || !now.Before(k.Until) {
		return Key{}, errors.Join(ErrNone, drop(name))
	}
	return k, nil
}

// Drop ends the waiting of a key, if there is one.
func Drop(name string) error { return drop(name) }

// asleep is how long the machine has slept since it was started. Tests put it to sleep.
var asleep = sleptTime

// napping is how much asleep may differ without a sleep: its two clocks are not read at once.
const napping = time.Second

const (
	version = 1
	idSize  = 16
	size    = 1 + idSize + 8 + 8 + 32
)

// encode writes a key, and how long the machine had slept by then.
func encode(k Key, away time.Duration) []byte {
	out := make([]byte, 1+idSize, size)
	out[0] = version
	copy(out[1:], k.ID)
	out = binary.BigEndian.AppendUint64(out, uint64(away))
	out = binary.BigEndian.AppendUint64(out, uint64(k.Until.Unix()))
	return append(out, k.Secret[:]...)
}

func decode(raw []byte) (k Key, away time.Duration, ok bool) {
	if len(raw) != size || raw[0] != version {
		return k, 0, false
	}
	id := raw[1 : 1+idSize]
	for len(id) > 0 && id[len(id)-1] == 0 {
		id = id[:len(id)-1]
	}
	k.ID = string(id)
	away = time.Duration(binary.BigEndian.Uint64(raw[1+idSize:]))
	k.Until = time.Unix(int64(binary.BigEndian.Uint64(raw[1+idSize+8:])), 0)
	copy(k.Secret[:], raw[size-32:])
	return k, away, true
}
