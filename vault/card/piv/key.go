package piv

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
)

// A Key is a private key on a card, identified by its location and its public key. Each use opens the card and first
// checks that the slot still has this key. After that, it prompts for a PIN or a touch.
//
// It is a [crypto.Signer] and, if its algorithm supports key exchange, an [ecdh.KeyExchanger].
type Key struct {
	cards    *Cards
	ctx      context.Context // stored because the methods of crypto.Signer and ecdh.KeyExchanger have no context
	location Location
	public   crypto.PublicKey
}

// Key returns the key at a location. It returns an [*EmptySlotError] if the slot has no key. The returned Key can be
// used until ctx ends.
func (c *Cards) Key(ctx context.Context, at Location) (*Key, KeyInfo, error) {
	type found struct {
		key  *Key
		info KeyInfo
	}
	f, err := withCard(ctx, c, at.Serial, func(_ context.Context, serial uint32, t openCard) (found, error) {
		info, err := t.keyInfo(at.Slot)
		if err != nil {
			return found{}, withLocation(err, Location{serial, at.Slot})
		}
		return found{c.KnownKey(ctx, Location{serial, at.Slot}, info.Public), info}, nil
	})
	return f.key, f.info, err
}

// KnownKey returns the key with the given public key, without accessing the card. If at.Serial is 0 and several
// cards are present, the card that has the key is used.
func (c *Cards) KnownKey(ctx context.Context, at Location, public crypto.PublicKey) *Key {
	return &Key{cards: c, ctx: ctx, location: at, public: public}
}

// Keys lists the keys of a card in the order of their slots. Firmware before 5.3 does not report an imported key
// if its slot has no certificate.
func (c *Cards) Keys(ctx context.Context, serial uint32) ([]KeyInfo, error) {
	return withCard(ctx, c, serial, func(_ context.Context, _ uint32, t openCard) ([]KeyInfo, error) {
		var all []KeyInfo
		for s := FirstRetired; s <= CardAuthentication; s++ {
			if !s.valid() {
				continue
			}
			info, err := t.keyInfo(s)
			if isEmpty(err) || errors.Is(err, errSlotUnknown) {
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, info)
		}
		return all, nil
	})
}

// Location returns the card and slot of the key.
func (k *Key) Location() Location { return k.location }

// Public returns the public key: an *ecdsa.PublicKey, *rsa.PublicKey, ed25519.PublicKey, or, for X25519,
// *ecdh.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.public }

// PublicKey returns the public key for a key exchange, or nil if the key's algorithm does not support a key exchange.
func (k *Key) PublicKey() *ecdh.PublicKey {
	switch p := k.public.(type) {
	case *ecdsa.PublicKey:
		e, err := p.ECDH()
		if err != nil {
			return nil
		}
		return e
	case *ecdh.PublicKey:
		return p
	}
	return nil
}

// Curve returns the curve of the key that PublicKey returns, or nil if PublicKey returns nil.
func (k *Key) Curve() ecdh.Curve {
	if p := k.PublicKey(); p != nil {
		return p.Curve()
	}
	return nil
}

// Sign signs a digest. A P-256 key requires a digest of 32 bytes, and a P-384 key one of 48 bytes. An RSA key
// requires a digest that is as long as the output of the hash function in opts. An Ed25519 key signs the message
// itself instead of a digest. Sign ignores the io.Reader: random numbers come from the card, and the salt of an
// RSA-PSS signature comes from crypto/rand.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.use(func(t openCard, info KeyInfo) ([]byte, error) {
		if err := checkDigest(info.Algorithm, digest, opts); err != nil {
			return nil, err
		}
		return t.sign(info, digest, opts)
	})
}

// ECDH returns the secret that this key shares with the public key peer. Both keys must be on the same curve.
func (k *Key) ECDH(peer *ecdh.PublicKey) ([]byte, error) {
	ours := k.PublicKey()
	if ours == nil || peer == nil || ours.Curve() != peer.Curve() {
		return nil, fmt.Errorf("the key in %s and the peer's key are on different curves", k.location)
	}
	return k.use(func(t openCard, info KeyInfo) ([]byte, error) { return t.exchange(info, peer.Bytes()) })
}

// CertificateRequest returns a certificate request for the key, in DER, signed on the card.
func (k *Key) CertificateRequest(subject pkix.Name) ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, k)
}

// checkDigest refuses a digest that the card would truncate or pad.
func checkDigest(a Algorithm, digest []byte, opts crypto.SignerOpts) error {
	want := 0
	switch a {
	case Ed25519:
		return nil
	case P256:
		want = 32
	case P384:
		want = 48
	default:
		if opts != nil && opts.HashFunc().Available() {
			want = opts.HashFunc().Size()
		}
	}
	if len(digest) != want {
		return &DigestError{a, len(digest), want}
	}
	return nil
}

// use opens the card and checks that the slot has the key. It enters the PIN if the key requires the PIN, and
// calls Cards.Touch if the key may need a touch. Then it calls f.
func (k *Key) use(f func(openCard, KeyInfo) ([]byte, error)) ([]byte, error) {
	matches := func(t openCard) bool {
		info, err := t.keyInfo(k.location.Slot)
		return err == nil && samePublicKey(info.Public, k.public)
	}
	return withMatchingCard(k.ctx, k.cards, k.location.Serial, matches, func(ctx context.Context, serial uint32, t openCard) ([]byte, error) {
		at := Location{serial, k.location.Slot}
		info, err := t.keyInfo(at.Slot)
		if err != nil {
			return nil, withLocation(err, at)
		}
		if !samePublicKey(info.Public, k.public) {
			return nil, &WrongKeyError{at}
		}
		if err := k.cards.unlock(ctx, serial, t, info.PIN); err != nil {
			return nil, err
		}
		if info.Touch != TouchNever && k.cards.Touch != nil {
			k.cards.Touch(Touch{Location: at, Optional: info.Touch != TouchAlways})
		}
		out, err := f(t, info)
		if errors.Is(err, errRefused) && info.Touch != TouchNever { // the PIN is not the cause, so the touch was missed
			return nil, &NotTouchedError{at}
		}
		return out, err
	})
}

func samePublicKey(a, b crypto.PublicKey) bool {
	x, err := x509.MarshalPKIXPublicKey(a)
	if err != nil {
		return false
	}
	y, err := x509.MarshalPKIXPublicKey(b)
	return err == nil && bytes.Equal(x, y)
}
