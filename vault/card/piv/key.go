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

// A Key is a private key on a card, by its place and its public half. The card is opened, and found to hold
// that very key, each time it is used, and is asked for nothing if it does not.
//
// It is a [crypto.Signer] and, where its algorithm exchanges keys, an [ecdh.KeyExchanger].
type Key struct {
	cards    *Cards
	ctx      context.Context // crypto.Signer and ecdh.KeyExchanger leave no other way to give it
	location Location
	public   crypto.PublicKey
}

// Key reads which key is at a place. It returns an [*EmptySlotError] if there is none. All that is done with the key ends with ctx.
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

// KnownKey is a key whose public half is known. The card is not looked at before it is used; if at names none and
// several are there, it is the one that holds the key.
func (c *Cards) KnownKey(ctx context.Context, at Location, public crypto.PublicKey) *Key {
	return &Key{cards: c, ctx: ctx, location: at, public: public}
}

// Keys lists the keys of a card, by slot. Firmware before 5.3 does not tell of those that were imported without a certificate.
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

// Location says where the key is.
func (k *Key) Location() Location { return k.location }

// Public is the public half: *ecdsa.PublicKey, *rsa.PublicKey, ed25519.PublicKey, or *ecdh.PublicKey for X25519.
func (k *Key) Public() crypto.PublicKey { return k.public }

// PublicKey is the public half for an exchange of keys; nil if the key does none.
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

// Curve is the curve of PublicKey; nil if there is none.
func (k *Key) Curve() ecdh.Curve {
	if p := k.PublicKey(); p != nil {
		return p.Curve()
	}
	return nil
}

// Sign signs a digest, whose length has to be that of the key's curve, or of opts' hash for RSA. An Ed25519 key signs the
// message itself. The random source is the card's own, but for a salt.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.use(func(t openCard, info KeyInfo) ([]byte, error) {
		if err := checkDigest(info.Algorithm, digest, opts); err != nil {
			return nil, err
		}
		return t.sign(info, digest, opts)
	})
}

// ECDH returns the secret that the key shares with a peer's on the same curve.
func (k *Key) ECDH(peer *ecdh.PublicKey) ([]byte, error) {
	ours := k.PublicKey()
	if ours == nil || peer == nil || ours.Curve() != peer.Curve() {
		return nil, fmt.Errorf("%s and the peer's key are not on one curve", k.location)
	}
	return k.use(func(t openCard, info KeyInfo) ([]byte, error) { return t.exchange(info, peer.Bytes()) })
}

// CertificateRequest is a request for a certificate for the key, in DER, signed on the card.
func (k *Key) CertificateRequest(subject pkix.Name) ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, k)
}

// checkDigest refuses what the card would cut or fill up.
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

// use does one thing with the key: PIN first, then the touch is told of, then the card is asked.
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
		if errors.Is(err, errRefused) && info.Touch != TouchNever { // the PIN was right, so this is what is left
			return nil, &NotTouchedError{at}
		}
		return out, err
	})
}

// samePublicKey reports whether two public keys are one.
func samePublicKey(a, b crypto.PublicKey) bool {
	x, err := x509.MarshalPKIXPublicKey(a)
	if err != nil {
		return false
	}
	y, err := x509.MarshalPKIXPublicKey(b)
	return err == nil && bytes.Equal(x, y)
}
