package piv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Slot is the number of a slot. A slot holds one key.
// https://developers.yubico.com/PIV/Introduction/Certificate_slots.html
type Slot byte

const (
	Authentication     Slot = 0x9a
	Signature          Slot = 0x9c
	KeyManagement      Slot = 0x9d
	CardAuthentication Slot = 0x9e

	FirstRetired Slot = 0x82 // the first of twenty slots that other programs usually do not use
	LastRetired  Slot = 0x95
)

// ParseSlot parses the name of a slot, such as "9c" or "82".
func ParseSlot(text string) (Slot, error) {
	n, err := strconv.ParseUint(strings.ToLower(text), 16, 8)
	if s := Slot(n); err == nil && s.valid() {
		return s, nil
	}
	return 0, fmt.Errorf("invalid slot %q, expected 9a, 9c, 9d, 9e, or 82 to 95", text)
}

// String returns the slot's name in the form that ParseSlot accepts.
func (s Slot) String() string { return fmt.Sprintf("%02x", byte(s)) }

// Retired reports whether the slot is one of the slots 82 to 95.
func (s Slot) Retired() bool { return s >= FirstRetired && s <= LastRetired }

func (s Slot) valid() bool {
	switch s {
	case Authentication, Signature, KeyManagement, CardAuthentication:
		return true
	}
	return s.Retired()
}

// A Location is a card and one of its slots.
type Location struct {
	Serial uint32 // serial number of the card; 0 means the only card that is present
	Slot   Slot
}

func (p Location) String() string {
	if p.Serial == 0 {
		return "slot " + p.Slot.String()
	}
	return fmt.Sprintf("slot %s of YubiKey %d", p.Slot, p.Serial)
}

// An Algorithm is the type of a key. The zero value means unknown.
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

// A PINPolicy defines when a key requires the PIN. The zero value means unknown.
type PINPolicy int

const (
	PINNever PINPolicy = iota + 1
	// PINOnce requires the PIN only for the first use. After that, every program can use the key without the PIN,
	// until the card loses power or another application of the card is used.
	PINOnce
	PINAlways
	FingerprintOnce // only a YubiKey Bio supports FingerprintOnce and FingerprintAlways
	FingerprintAlways
)

var pinNames = [...]string{"unknown", "never", "once", "always", "finger once", "finger always"}

func (p PINPolicy) String() string { return nameOf(pinNames[:], int(p)) }

// PINPolicyNames returns the names of the PIN policies with which a key can be generated. [ParsePINPolicy] accepts
// these names.
func PINPolicyNames() []string { return slices.Clone(pinNames[PINNever:FingerprintOnce]) }

// ParsePINPolicy returns the PIN policy with the given name, or 0 if no policy has that name.
func ParsePINPolicy(name string) PINPolicy { return PINPolicy(max(0, slices.Index(pinNames[:], name))) }

// A TouchPolicy defines when a key requires a touch. The zero value means unknown.
type TouchPolicy int

const (
	TouchNever TouchPolicy = iota + 1
	TouchAlways
	TouchCached // after a touch, the key can be used for 15 s without another touch
)

var touchNames = [...]string{"unknown", "never", "always", "cached"}

func (p TouchPolicy) String() string { return nameOf(touchNames[:], int(p)) }

// TouchPolicyNames returns the names of the touch policies with which a key can be generated. [ParseTouchPolicy]
// accepts these names.
func TouchPolicyNames() []string { return slices.Clone(touchNames[TouchNever:]) }

// ParseTouchPolicy returns the touch policy with the given name, or 0 if no policy has that name.
func ParseTouchPolicy(name string) TouchPolicy {
	return TouchPolicy(max(0, slices.Index(touchNames[:], name)))
}

func nameOf(names []string, n int) string {
	if n < 0 || n >= len(names) {
		n = 0
	}
	return names[n]
}
