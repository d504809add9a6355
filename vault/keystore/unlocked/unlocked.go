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
	// ErrNotFound says that no key waits under a name: it never did, its time is over, or the machine
	// has slept.
	ErrNotFound = errors.New("no key waits")

	// ErrUnsupported says that this system has no place for a key to wait.
	ErrUnsupported = errors.New("this system has no place where a key could wait")
)

// Put makes a key wait under a name until its time is over, in place of any that is there.
func Put(name string, k Key, now time.Time) error {
	left := k.Until.Sub(now)
	if left < time.Second || len(k.ID) > idSize {
		return fmt.Errorf("a key cannot wait for %s", left)
	}
	slept, err := timeAsleep()
	if err != nil {
		return err
	}
	return put(name, encode(k, slept), left)
}

// Get returns the key that waits under a name, or [ErrNotFound]. Any other error is the system's.
func Get(name string, now time.Time) (Key, error) {
	raw, err := get(name)
	if err != nil {
		return Key{}, err
	}
	k, sleptBefore, ok := decode(raw)
	if !ok {
		return Key{}, ErrNotFound
	}
	slept, err := timeAsleep()
	if err != nil {
		return Key{}, err
	}
	if slept-sleptBefore > sleepTolerance || !now.Before(k.Until) {
		return Key{}, errors.Join(ErrNotFound, remove(name))
	}
	return k, nil
}

// Remove ends the waiting of a key, if there is one.
func Remove(name string) error { return remove(name) }

// timeAsleep is how long the machine has slept since it was started. Tests put it to sleep.
var timeAsleep = sleptTime

// sleepTolerance is how much asleep may differ without a sleep: its two clocks are not read at once.
const sleepTolerance = time.Second

const (
	version = 1
	idSize  = 16
	size    = 1 + idSize + 8 + 8 + 32
)

// encode writes a key, and how long the machine had slept by then.
func encode(k Key, slept time.Duration) []byte {
	out := make([]byte, 1+idSize, size)
	out[0] = version
	copy(out[1:], k.ID)
	out = binary.BigEndian.AppendUint64(out, uint64(slept))
	out = binary.BigEndian.AppendUint64(out, uint64(k.Until.Unix()))
	return append(out, k.Secret[:]...)
}

func decode(raw []byte) (k Key, slept time.Duration, ok bool) {
	if len(raw) != size || raw[0] != version {
		return k, 0, false
	}
	id := raw[1 : 1+idSize]
	for len(id) > 0 && id[len(id)-1] == 0 {
		id = id[:len(id)-1]
	}
	k.ID = string(id)
	slept = time.Duration(binary.BigEndian.Uint64(raw[1+idSize:]))
	k.Until = time.Unix(int64(binary.BigEndian.Uint64(raw[1+idSize+8:])), 0)
	copy(k.Secret[:], raw[size-32:])
	return k, slept, true
}
