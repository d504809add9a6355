// Package kernelkey stores secrets in the keyrings of the Linux kernel. The secrets are lost when the computer
// restarts. Other packages decide what the secrets mean.
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

// A Ring is one of the user's keyrings. Its methods are safe for use by several goroutines. Other processes may
// change the keys at any time. If the kernel provides no keyring, each method returns [ErrUnsupported].
type Ring struct {
	// Name is the name of a keyring inside the user's own keyring. The first Put creates this keyring. If Name is
	// empty, the ring is the user's own keyring.
	Name string

	// Permissions apply to the keys in the ring, and to the ring itself if Put creates it.
	Permissions Permissions
}

// Permissions are the permissions of a key, as KEYCTL_SETPERM encodes them.
type Permissions uint32

const (
	// Possessors grants everything to the possessors of the key and nothing to other processes. A process
	// possesses the key if it has the user's keyring among its own keyrings. Every process of the user can add the
	// user's keyring to its own keyrings.
	Possessors Permissions = 0x3f000000

	// Owner grants everything to possessors and to every process of the user.
	Owner Permissions = 0x3f3f0000
)

// MaxSecret is the maximum length of a secret in the kernel, in bytes. The minimum is 1.
const MaxSecret = 1<<15 - 1

// maxListed is the maximum number of keys that Names can read from a ring. By default, the kernel allows 200 keys
// for a user and a million keys for root.
const maxListed = 1 << 18

// maxTries is the maximum number of attempts to read a secret. An attempt fails if another process replaces the
// secret between the search and the read.
const maxTries = 100

// Usable returns nil if the kernel provides a keyring.
func (r Ring) Usable() error { return withUserKeyring(func() error { return nil }) }

// Put stores a secret under name and replaces the existing secret of that name. The write is atomic. The kernel
// deletes the secret after the given lifetime, which is rounded down to whole seconds but is at least 1 s. If
// lifetime is zero, the kernel keeps the secret until the computer restarts. Put returns [ErrFull] if the user's
// quota is used up.
func (r Ring) Put(name string, secret []byte, lifetime time.Duration) error {
	if len(secret) == 0 || len(secret) > MaxSecret {
		return fmt.Errorf("the secret has %d bytes, expected 1 to %d", len(secret), MaxSecret)
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
			seconds := max(1, int(lifetime/time.Second)) // 0 would mean "never expires"
			if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, seconds, 0, 0); err != nil {
				return convertError("set timeout", err)
			}
		}
		return link(id, ring)
	})
}

// Secret returns the secret under name, or [ErrNotFound].
func (r Ring) Secret(name string) (secret []byte, err error) {
	err = withUserKeyring(func() error {
		secret, err = searchAndRead(
			func() (int, error) { return r.search(name) },
			func(id int) ([]byte, error) { return read(id, MaxSecret) })
		return err
	})
	return secret, err
}

// searchAndRead reads the key that the function search finds. If the key disappears between the search and the
// read, it was replaced or removed, so searchAndRead searches again.
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
	return nil, fmt.Errorf("a key in the kernel keyring was replaced %d times before it could be read", maxTries)
}

// Has reports whether there is a secret under name. It does not read the secret.
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

// Remove destroys the secret under name, even if other keyrings link to it. It returns [ErrNotFound] if there is
// no such secret.
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
			unlink(id, ring) // without this call, the key would be listed until the kernel removes the link
		}
		return nil
	})
}

// Names returns the names of the ring's secrets, sorted. It reads no secret.
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

// nameIn returns the name in the kernel's description of a secret, such as "user;0;0;3f3f0000;name". A name can
// contain semicolons.
// https://man7.org/linux/man-pages/man2/keyctl.2.html
func nameIn(description string) (string, bool) {
	fields := strings.SplitN(description, ";", 5)
	if len(fields) < 5 || fields[0] != secretType {
		return "", false
	}
	return fields[4], true
}

// search returns the ID of the key under name.
func (r Ring) search(name string) (int, error) {
	ring, err := r.find()
	if err != nil {
		return 0, err
	}
	id, err := unix.KeyctlSearch(ring, secretType, name, 0)
	return id, convertError("search", err)
}

// find returns the ID of the keyring, or ErrNotFound.
func (r Ring) find() (int, error) {
	if r.Name == "" {
		return unix.KEY_SPEC_USER_KEYRING, nil
	}
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, ringType, r.Name, 0)
	return id, convertError("search", err)
}

// findOrCreate returns the ID of the keyring and creates the keyring if necessary. If several processes call
// findOrCreate at the same time, all of them get the same keyring. If each process created a keyring, the second
// keyring would replace the first one, and the keys in the first one would be lost. On kernels before 5.3, this can
// still happen.
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
	if err != nil { // the kernel is older than 5.3, or the existing keyring was revoked
		err = link(id, unix.KEY_SPEC_USER_KEYRING)
	}
	if err != nil {
		return 0, err
	}
	return r.find()
}
