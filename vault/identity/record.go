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

// PublishBefore is how long a new key is published before it signs. AWS caches an issuer's keys for an unknown time.
const PublishBefore = 24 * time.Hour

// publishAfter is how long a key remains published after the next key begins to sign. During this time, AWS can
// still verify the last tokens that the old key signed.
const publishAfter = time.Hour

// A Key is one of an identity's keys. It does not contain the private key.
type Key struct {
	ID        string    `json:"kid"`
	Public    []byte    `json:"public"`         // public key in PKIX, ASN.1 DER
	Location  string    `json:"place"`          // [Software], or [PIVPrefix] and a slot in two hexadecimal digits
	Card      uint32    `json:"card,omitempty"` // serial number of the security key
	SignsFrom time.Time `json:"since"`          // the key signs from this time until the SignsFrom of the next key
}

// Software is the location of a key in the keystore. The location of a key on a security key begins with PIVPrefix.
const (
	Software  = "software"
	PIVPrefix = "piv:"
)

// NewKey describes a key that begins to sign at the time signsFrom. It fails if the key is not on P-256.
func NewKey(public crypto.PublicKey, location string, card uint32, signsFrom time.Time) (Key, error) {
	id, err := KeyID(public)
	if err != nil {
		return Key{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	return Key{ID: id, Public: der, Location: location, Card: card, SignsFrom: signsFrom.UTC().Truncate(time.Second)}, err
}

// PublicKey decodes the public key.
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

// Slot returns the PIV slot as two hexadecimal digits, or "" for a key in software.
func (k Key) Slot() string {
	slot, _ := strings.CutPrefix(k.Location, PIVPrefix)
	if slot == k.Location {
		return ""
	}
	return slot
}

// A Record lists the keys of an identity, in the order in which they sign. It contains no secret.
type Record struct {
	Keys []Key `json:"keys"`
}

// ErrNoSigningKey reports that none of an identity's keys signs yet.
var ErrNoSigningKey = errors.New("no key of this identity signs yet")

// SigningKey returns the key that signs at the time now: the last key in the record that has begun to sign.
func (r Record) SigningKey(now time.Time) (Key, error) {
	for _, k := range slices.Backward(r.Keys) {
		if !k.SignsFrom.After(now) {
			return k, nil
		}
	}
	return Key{}, ErrNoSigningKey
}

// NextKey returns the first key that does not sign yet at the time now. It returns false if there is no such key.
func (r Record) NextKey(now time.Time) (Key, bool) {
	for _, k := range r.Keys {
		if k.SignsFrom.After(now) {
			return k, true
		}
	}
	return Key{}, false
}

// PublishedKeys returns the keys that AWS must know at the time now: the signing key, the next keys, and, for a limited
// time, the previous key.
func (r Record) PublishedKeys(now time.Time) []Key {
	first := 0
	for i := 1; i < len(r.Keys); i++ {
		if !r.Keys[i].SignsFrom.Add(publishAfter).After(now) {
			first = i
		}
	}
	return r.Keys[first:]
}

// JWKS returns the key set file with the keys that are published at the time now.
func (r Record) JWKS(now time.Time) ([]byte, error) {
	var keys []crypto.PublicKey
	for _, k := range r.PublishedKeys(now) {
		public, err := k.PublicKey()
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.ID, err)
		}
		keys = append(keys, public)
	}
	return JWKS(keys...)
}

// A RotationError reports that a key cannot be added to a record.
type RotationError struct{ Reason string }

func (e *RotationError) Error() string { return e.Reason }

// With returns a copy of the record with the additional key k. The first key of a record signs at once. Any other
// key signs only after PublishBefore, so that AWS has time to fetch the key. With omits keys that are no longer
// published. It fails with a [*RotationError] if the record already contains k, or contains a key that does not sign
// yet.
func (r Record) With(k Key, now time.Time) (Record, error) {
	if next, waiting := r.NextKey(now); waiting {
		return r, &RotationError{fmt.Sprintf("key %s begins to sign at %s; add another key after that time", next.ID, next.SignsFrom.Format(time.RFC3339))}
	}
	if slices.ContainsFunc(r.Keys, func(other Key) bool { return other.ID == k.ID }) {
		return r, &RotationError{fmt.Sprintf("key %s is already a key of this identity", k.ID)}
	}
	k.SignsFrom = now.UTC().Truncate(time.Second)
	if len(r.Keys) > 0 {
		k.SignsFrom = k.SignsFrom.Add(PublishBefore)
	}
	return Record{Keys: append(slices.Clone(r.PublishedKeys(now)), k)}, nil
}

// maxKeys is the largest number of keys in a record.
const maxKeys = 16

// ParseRecord decodes and checks a record that [Record.Encode] wrote.
func ParseRecord(text []byte) (Record, error) {
	var r Record
	if json.Unmarshal(text, &r) != nil || len(r.Keys) == 0 || len(r.Keys) > maxKeys {
		return Record{}, fmt.Errorf("expected a list of 1 to %d keys", maxKeys)
	}
	for i, k := range r.Keys {
		public, err := k.PublicKey()
		if err != nil {
			return Record{}, fmt.Errorf("key %d: %w", i+1, err)
		}
		parsed, err := NewKey(public, k.Location, k.Card, k.SignsFrom)
		switch {
		case err != nil:
			return Record{}, fmt.Errorf("key %d: %w", i+1, err)
		case parsed.ID != k.ID:
			return Record{}, fmt.Errorf("key %d has the ID of another key", i+1)
		case k.Location != Software && !isSlot(k.Slot()):
			return Record{}, fmt.Errorf("key %d has the location %.20q, expected %s, or %s and a slot", i+1, k.Location, Software, PIVPrefix)
		case i > 0 && !r.Keys[i-1].SignsFrom.Before(k.SignsFrom):
			return Record{}, fmt.Errorf("key %d must begin to sign later than the key before it", i+1)
		}
		r.Keys[i] = parsed
	}
	return r, nil
}

func isSlot(s string) bool { return len(s) == 2 && strings.Trim(s, "0123456789abcdef") == "" }

// Encode returns the record in JSON.
func (r Record) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}
