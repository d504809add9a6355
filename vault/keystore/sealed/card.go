package sealed

import (
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"

	"filippo.io/age"
)

// An Exchanger is a P-256 private key for Diffie-Hellman key exchange. The key may be in hardware, for example on
// a card.
type Exchanger interface {
	PublicKey() *ecdh.PublicKey
	ECDH(peer *ecdh.PublicKey) ([]byte, error) // may block until the user touches the card
}

// openByCard uses the first opener whose card is connected. If that card fails, openByCard does not try another
// card, so that the user never has to touch two cards.
func openByCard(ctx context.Context, a attempt, openers []Opener) (MasterKey, error) {
	if a.options.Card == nil {
		return MasterKey{}, ErrAbsent
	}
	var absent absentErrors
	for _, o := range openers {
		key, done, err := a.options.Card(ctx, o)
		if errors.Is(err, ErrAbsent) {
			absent = append(absent, &OpenerError{o.Name, err})
			continue
		}
		if err != nil {
			return MasterKey{}, &OpenerError{o.Name, err}
		}
		defer done()
		k, err := openOnCard(a.envelope, o, key)
		if err != nil {
			return MasterKey{}, &OpenerError{o.Name, err}
		}
		return k, nil
	}
	return MasterKey{}, absent
}

func openOnCard(envelope []byte, o Opener, key Exchanger) (MasterKey, error) {
	found, err := CardRecipient(key.PublicKey())
	if err != nil {
		return MasterKey{}, err
	}
	if found != o.Recipient {
		return MasterKey{}, errors.New("that slot has a different key, expected " + o.Recipient)
	}
	return unwrap(envelope, cardIdentity{key})
}

// cardIdentity is the age identity of a key on a card. It decrypts the stanzas that a tagRecipient creates.
type cardIdentity struct{ key Exchanger }

// exchanger adapts an Exchanger to package hpke.
type exchanger struct{ Exchanger }

func (exchanger) Curve() ecdh.Curve { return ecdh.P256() }

// Unwrap looks for a stanza with the tag of this card's key. Without such a stanza, Unwrap does not use the card,
// because the card may need a touch.
func (i cardIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if enc, ok := (tagRecipient{i.key.PublicKey()}).match(s); ok {
			return i.open(enc, s.Body)
		}
	}
	return nil, age.ErrIncorrectIdentity
}

func (i cardIdentity) open(enc, body []byte) ([]byte, error) {
	priv, err := hpke.NewDHKEMPrivateKey(exchanger{i.key})
	if err != nil {
		return nil, err
	}
	r, err := hpke.NewRecipient(enc, priv, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(tagInfo))
	if err != nil {
		return nil, err
	}
	return r.Open(nil, body)
}
