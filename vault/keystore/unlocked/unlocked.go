// Package unlocked stores the key of an unlocked keystore outside of any process, for a limited time. During
// that time, every process of the same user can read the key. Other packages decide what the key opens.
package unlocked

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A Key is the key of an unlocked keystore.
type Key struct {
	ID     string // the key's ID; at most 16 bytes
	Secret [32]byte
	Until  time.Time
}

// String keeps the secret out of logs.
func (k Key) String() string { return "key " + k.ID }

// GoString keeps the secret out of logs.
func (k Key) GoString() string { return k.String() }

var (
	// ErrNotFound reports that there is no key: no key was stored, the key has expired, or the computer was
	// suspended after the key was stored.
	ErrNotFound = errors.New("no unlocked key is stored")

	// ErrUnsupported reports that this system cannot store an unlocked key.
	ErrUnsupported = errors.New("this system cannot store an unlocked key")
)

// Put stores the key k under name until the time k.Until. It replaces an earlier key of the same name.
func Put(name string, k Key, now time.Time) error {
	left := k.Until.Sub(now)
	switch {
	case left < time.Second:
		return fmt.Errorf("the unlocked key is valid for %s, expected at least 1s", left)
	case len(k.ID) > idSize:
		return fmt.Errorf("the ID of the unlocked key has %d bytes, expected at most %d", len(k.ID), idSize)
	}
	slept, err := timeAsleep()
	if err != nil {
		return err
	}
	return put(name, encode(k, slept), left)
}

// Get returns the key under name. It returns [ErrNotFound] if there is no such key, and a different error if the
// key cannot be read.
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

// Remove removes the key under name. It returns nil if there is no such key.
func Remove(name string) error { return remove(name) }

// timeAsleep returns how long the computer has been suspended since its start. Tests replace it.
var timeAsleep = sleptTime

// sleepTolerance is the largest change of timeAsleep that does not count as a suspend. Small changes occur because
// timeAsleep does not read its two clocks at the same instant.
const sleepTolerance = time.Second

const (
	version = 1
	idSize  = 16
	size    = 1 + idSize + 8 + 8 + 32
)

// encode encodes a key and a duration (slept): how long the computer had been suspended when the key was stored.
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
