package piv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Slot is where a card keeps one key, by the number that its makers gave it.
// https://developers.yubico.com/PIV/Introduction/Certificate_slots.html
type Slot byte

const (
	Authentication     Slot = 0x9a
	Signature          Slot = 0x9c
	KeyManagement      Slot = 0x9d
	CardAuthentication Slot = 0x9e

	FirstRetired Slot = 0x82 // the first of twenty slots that no other program counts on
	LastRetired  Slot = 0x95
)

// ParseSlot reads the name of a slot, such as "9c" or "82".
func ParseSlot(text string) (Slot, error) {
	n, err := strconv.ParseUint(strings.ToLower(text), 16, 8)
	if s := Slot(n); err == nil && s.valid() {
		return s, nil
	}
	return 0, fmt.Errorf("slot is %q, want 9a, 9c, 9d, 9e, or 82 to 95", text)
}

// String is the slot's name, as ParseSlot reads it.
func (s Slot) String() string { return fmt.Sprintf("%02x", byte(s)) }

// Retired reports whether it is one of the slots 82 to 95.
func (s Slot) Retired() bool { return s >= FirstRetired && s <= LastRetired }

func (s Slot) valid() bool {
	switch s {
	case Authentication, Signature, KeyManagement, CardAuthentication:
		return true
	}
	return s.Retired()
}

// A Place is a slot of a card.
type Location struct {
	Serial uint32 // 0 for the only card there is
	Slot   Slot
}

func (p Location) String() string {
	if p.Serial == 0 {
		return "slot " + p.Slot.String()
	}
	return fmt.Sprintf("slot %s of YubiKey %d", p.Slot, p.Serial)
}

// An Algorithm is what kind of key a slot holds. The zero value is not known.
type Algorithm int

const (
	P256 Algorithm = iota + 1
	P384
	Ed25519
	X25519
	RSA1024
	RSA2048
	RSA3072
	RSA4096
)

var algorithmNames = [...]string{"unknown algorithm", "P-256", "P-384", "Ed25519", "X25519", "RSA 1024", "RSA 2048", "RSA 3072", "RSA 4096"}

func (a Algorithm) String() string { return nameOf(algorithmNames[:], int(a)) }

// A PINPolicy says when a key wants the PIN. The zero value is not known.
type PINPolicy int

const (
	PINNever PINPolicy = iota + 1
	// PINOnce is until the card loses its power or another of its applications is used: a second program
	// that comes meanwhile is not asked.
	PINOnce
	PINAlways
	FingerprintOnce // of a YubiKey Bio
	FingerprintAlways
)

var pinNames = [...]string{"unknown", "never", "once", "always", "finger once", "finger always"}

func (p PINPolicy) String() string { return nameOf(pinNames[:], int(p)) }

// PINPolicyNames are the policies that a key can be made with, as [ParsePINPolicy] reads them.
func PINPolicyNames() []string { return slices.Clone(pinNames[PINNever:FingerprintOnce]) }

// ParsePINPolicy returns the policy of that name, or 0 if there is none.
func ParsePINPolicy(name string) PINPolicy { return PINPolicy(max(0, slices.Index(pinNames[:], name))) }

// A TouchPolicy says when a key wants a touch. The zero value is not known.
type TouchPolicy int

const (
	TouchNever TouchPolicy = iota + 1
	TouchAlways
	TouchCached // one touch serves for 15 seconds
)

var touchNames = [...]string{"unknown", "never", "always", "cached"}

func (p TouchPolicy) String() string { return nameOf(touchNames[:], int(p)) }

// TouchPolicyNames are the policies that a key can be made with, as [ParseTouchPolicy] reads them.
func TouchPolicyNames() []string { return slices.Clone(touchNames[TouchNever:]) }

// ParseTouchPolicy returns the policy of that name, or 0 if there is none.
func ParseTouchPolicy(name string) TouchPolicy {
	return TouchPolicy(max(0, slices.Index(touchNames[:], name)))
}

func nameOf(names []string, n int) string {
	if n < 0 || n >= len(names) {
		n = 0
	}
	return names[n]
}
