// Package kernelkey stores secrets in the keyrings of the Linux kernel, which are gone after a
// restart. What a secret is for is left to others.
//
// https://man7.org/linux/man-pages/man7/keyrings.7.html
package kernelkey

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Ring is a keyring of the user's. Its methods may be called from several goroutines, and other
// processes may change what it holds at any time. Where the kernel has none for us, each of them
// returns [ErrUnsupported].
type Ring struct {
	// Name is "" for the user's own keyring. A ring with a name lies in that one, and is made
	// when something is put into it.
	Name string

	// Permissions are those of what is put into the ring, and of the ring if it has to be made.
	Permissions Permissions
}

// Permissions say who may do what with a key, as KEYCTL_SETPERM takes them.
type Permissions uint32

const (
	// Possessors may do all, and nobody else anything: processes that have the user's keyring
	// among their own, as each process of the user can.
	Possessors Permissions = 0x3f000000

	// Owner is for every process of the user, whatever it possesses.
	Owner Permissions = 0x3f3f0000
)

// MaxSecret is the longest secret that the kernel takes, in bytes. It takes no empty one.
const MaxSecret = 1<<15 - 1

// maxListed bounds the keys that a ring may hold. The kernel's own bound is 200 for a user, and a
// million for root.
const maxListed = 1 << 18

// maxTries is how often a secret is looked for that is replaced again and again.
const maxTries = 100

// Usable returns nil if the kernel keeps keys for us.
func (r Ring) Usable() error { return withUserKeyring(func() error { return nil }) }

// Put keeps secret under a name, in place of any that is there, whole or not at all. It ends after
// life, in whole seconds, or with the machine if that is zero. [ErrFull] says that the user's share
// of the kernel's memory is used up.
func (r Ring) Put(name string, secret []byte, lifetime time.Duration) error {
	if len(secret) == 0 || len(secret) > MaxSecret {
		return fmt.Errorf("a key in the kernel has 1 to %d bytes, not %d", MaxSecret, len(secret))
	}
	return withUserKeyring(func() error {
		ring, err := r.findOrCreate()
		if err != nil {
			return err
		}
		id, err := newKey(secretType, name, secret, r.Permissions)
		if err != nil {
			return err
		}
		defer unlinkFromThread(id)
		if lifetime > 0 {
			seconds := max(1, int(lifetime/time.Second)) // none would be no end
			if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, seconds, 0, 0); err != nil {
				return convertError("set timeout", err)
			}
		}
		return link(id, ring)
	})
}

// Secret returns the secret under a name, or [ErrNotFound].
func (r Ring) Secret(name string) (secret []byte, err error) {
	err = withUserKeyring(func() error {
		secret, err = searchAndRead(
			func() (int, error) { return r.search(name) },
			func(id int) ([]byte, error) { return read(id, MaxSecret) })
		return err
	})
	return secret, err
}

// searchAndRead returns what the key holds that search finds. One that is gone when it is to be
// read was replaced or removed after it was found, so that it is looked for again.
func searchAndRead(search func() (int, error), read func(id int) ([]byte, error)) ([]byte, error) {
	for range maxTries {
		id, err := search()
		if err != nil {
			return nil, err
		}
		if secret, err := read(id); !errors.Is(err, ErrNotFound) {
			return secret, err
		}
	}
	return nil, fmt.Errorf("a key in the kernel was replaced %d times before it could be read", maxTries)
}

// Has reports whether there is a secret under a name, without reading it.
func (r Ring) Has(name string) (bool, error) {
	err := withUserKeyring(func() error {
		_, err := r.search(name)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Remove destroys the secret under a name, whoever else has a link to it, or returns [ErrNotFound].
func (r Ring) Remove(name string) error {
	return withUserKeyring(func() error {
		id, err := r.search(name)
		if err != nil {
			return err
		}
		if _, err := unix.KeyctlInt(unix.KEYCTL_INVALIDATE, id, 0, 0, 0); err != nil {
			return convertError("invalidate", err)
		}
		if ring, err := r.find(); err == nil {
			unlink(id, ring) // the kernel does it too, but later, and lists the key until then
		}
		return nil
	})
}

// Names lists the secrets of the ring, sorted. None is read.
func (r Ring) Names() (names []string, err error) {
	err = withUserKeyring(func() error {
		ring, err := r.find()
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		list, err := read(ring, 4*maxListed)
		if err != nil {
			return err
		}
		for ; len(list) >= 4; list = list[4:] {
			id := int(int32(binary.NativeEndian.Uint32(list)))
			text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
			if isMissing(err) {
				continue
			}
			if err != nil {
				return convertError("describe", err)
			}
			if name, ok := nameIn(text); ok {
				names = append(names, name)
			}
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// nameIn is the name in the kernel's description of a secret: "user;0;0;3f3f0000;name". The name
// may have semicolons, so that the fields are counted from the front.
// https://man7.org/linux/man-pages/man2/keyctl.2.html
func nameIn(description string) (string, bool) {
	fields := strings.SplitN(description, ";", 5)
	if len(fields) < 5 || fields[0] != secretType {
		return "", false
	}
	return fields[4], true
}

// search returns the key under a name.
func (r Ring) search(name string) (int, error) {
	ring, err := r.find()
	if err != nil {
		return 0, err
	}
	id, err := unix.KeyctlSearch(ring, secretType, name, 0)
	return id, convertError("search", err)
}

// find returns the keyring, or ErrNotFound.
func (r Ring) find() (int, error) {
	if r.Name == "" {
		return unix.KEY_SPEC_USER_KEYRING, nil
	}
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, ringType, r.Name, 0)
	return id, convertError("search", err)
}

// findOrCreate returns the keyring, which is made if there is none. However many processes make it at
// once, they get the same: another in its place would drop what was put into the first.
func (r Ring) findOrCreate() (int, error) {
	if id, err := r.find(); !errors.Is(err, ErrNotFound) {
		return id, err
	}
	id, err := newKey(ringType, r.Name, nil, r.Permissions)
	if err != nil {
		return 0, err
	}
	defer unlinkFromThread(id)
	err = moveExclusive(id, unix.KEY_SPEC_USER_KEYRING)
	if errors.Is(err, unix.EEXIST) {
		if id, err := r.find(); !errors.Is(err, ErrNotFound) {
			return id, err
		}
	}
	if err != nil { // an older kernel, or a ring there that was revoked
		err = link(id, unix.KEY_SPEC_USER_KEYRING)
	}
	if err != nil {
		return 0, err
	}
	return r.find()
}
