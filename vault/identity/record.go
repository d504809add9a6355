package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Ahead is how long a key is published before it signs: AWS keeps what it has read of an
// issuer, and asks again when it pleases.
const Ahead = 24 * time.Hour

// after is how long a key is still published once another signs: for the tokens that are on
// their way.
const after = time.Hour

// A Key is one of an identity's. Its secret half is elsewhere.
type Key struct {
	ID     string    `json:"kid"`
	Public []byte    `json:"public"`         // PKIX, ASN.1 DER
	Place  string    `json:"place"`          // [Software], or piv: and a slot in two digits
	Card   uint32    `json:"card,omitempty"` // serial number
	Since  time.Time `json:"since"`          // it signs from then on, until the next one does
}

// Software is the place of a key that lies in the keystore. The places of others begin with
// PIV.
const (
	Software = "software"
	PIV      = "piv:"
)

// NewKey describes a key that is to sign from then on.
func NewKey(public crypto.PublicKey, place string, card uint32, since time.Time) (Key, error) {
	id, err := KeyID(public)
	if err != nil {
		return Key{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	return Key{ID: id, Public: der, Place: place, Card: card, Since: since.UTC().Truncate(time.Second)}, err
}

// PublicKey is the key's public half.
func (k Key) PublicKey() (*ecdsa.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(k.Public)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errNotP256
	}
	return public, nil
}

// Slot is the slot of a card, as two hexadecimal digits; empty for a key in software.
func (k Key) Slot() string {
	slot, _ := strings.CutPrefix(k.Place, PIV)
	if slot == k.Place {
		return ""
	}
	return slot
}

// A Record is what is known of the keys of an identity, in the order in which they sign. It
// holds no secret.
type Record struct {
	Keys []Key `json:"keys"`
}

// ErrNoKey is returned where no key of an identity signs yet.
var ErrNoKey = errors.New("none of its keys signs yet")

// Signing is the key that signs at a time: the last that has begun to.
func (r Record) Signing(now time.Time) (Key, error) {
	for _, k := range slices.Backward(r.Keys) {
		if !k.Since.After(now) {
			return k, nil
		}
	}
	return Key{}, ErrNoKey
}

// Next is the key that will sign after the one that signs now, if there is one.
func (r Record) Next(now time.Time) (Key, bool) {
	for _, k := range r.Keys {
		if k.Since.After(now) {
			return k, true
		}
	}
	return Key{}, false
}

// Published are the keys that AWS has to know at a time: the one that signs, those that
// will, and the one before for as long as its tokens may be on their way.
func (r Record) Published(now time.Time) []Key {
	first := 0
	for i := 1; i < len(r.Keys); i++ {
		if !r.Keys[i].Since.Add(after).After(now) {
			first = i
		}
	}
	return r.Keys[first:]
}

// JWKS is the file of the keys that are published at a time.
func (r Record) JWKS(now time.Time) ([]byte, error) {
	var keys []crypto.PublicKey
	for _, k := range r.Published(now) {
		public, err := k.PublicKey()
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.ID, err)
		}
		keys = append(keys, public)
	}
	return JWKS(keys...)
}

// A RotationError is a key that cannot follow another.
type RotationError struct{ Why string }

func (e *RotationError) Error() string { return e.Why }

// With returns the record with another key, which signs once AWS had time to learn of it;
// the first key signs at once. Keys that are not published any more are left out. It fails
// with a [*RotationError] while another key waits for its turn, and for a key that is there.
func (r Record) With(k Key, now time.Time) (Record, error) {
	if next, waits := r.Next(now); waits {
		return r, &RotationError{fmt.Sprintf("key %s is published and signs from %s on: want that before another", next.ID, next.Since.Format(time.RFC3339))}
	}
	if slices.ContainsFunc(r.Keys, func(other Key) bool { return other.ID == k.ID }) {
		return r, &RotationError{fmt.Sprintf("key %s is one of its keys already", k.ID)}
	}
	k.Since = now.UTC().Truncate(time.Second)
	if len(r.Keys) > 0 {
		k.Since = k.Since.Add(Ahead)
	}
	return Record{Keys: append(slices.Clone(r.Published(now)), k)}, nil
}

// maxKeys bounds what is read.
const maxKeys = 16

// ParseRecord reads what [Record.Encode] wrote. Whatever else it is given is an error.
func ParseRecord(text []byte) (Record, error) {
	var r Record
	if json.Unmarshal(text, &r) != nil || len(r.Keys) == 0 || len(r.Keys) > maxKeys {
		return Record{}, fmt.Errorf("it holds no list of 1 to %d keys", maxKeys)
	}
	for i, k := range r.Keys {
		public, err := k.PublicKey()
		if err != nil {
			return Record{}, fmt.Errorf("key %d: %w", i+1, err)
		}
		again, err := NewKey(public, k.Place, k.Card, k.Since)
		switch {
		case err != nil:
			return Record{}, fmt.Errorf("key %d: %w", i+1, err)
		case again.ID != k.ID:
			return Record{}, fmt.Errorf("key %d goes by another key's name", i+1)
		case k.Place != Software && !isSlot(k.Slot()):
			return Record{}, fmt.Errorf("key %d lies in %.20q, want %s or %s and a slot", i+1, k.Place, Software, PIV)
		case i > 0 && !r.Keys[i-1].Since.Before(k.Since):
			return Record{}, fmt.Errorf("key %d does not follow the one before it", i+1)
		}
		r.Keys[i] = again
	}
	return r, nil
}

func isSlot(s string) bool { return len(s) == 2 && strings.Trim(s, "0123456789abcdef") == "" }

// Encode writes the record.
func (r Record) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}
