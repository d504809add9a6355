package sealed

import (
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"

	"filippo.io/age"
)

// An Exchanger is a P-256 key that exchanges keys and cannot be read, such as one on a card.
type Exchanger interface {
	PublicKey() *ecdh.PublicKey
	ECDH(peer *ecdh.PublicKey) ([]byte, error) // may block until someone touches the card
}

// openByCard uses the first opener whose card is here, and no other: a second touch would not
// open more.
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
		return MasterKey{}, errors.New("the card holds another key in that slot, want " + o.Recipient)
	}
	return unwrap(envelope, cardIdentity{key})
}

// cardIdentity is the identity of a tagRecipient.
type cardIdentity struct{ key Exchanger }

// exchanger is an Exchanger as package hpke takes it.
type exchanger struct{ Exchanger }

func (exchanger) Curve() ecdh.Curve { return ecdh.P256() }

// Unwrap finds the stanza that is for this card by its tag, so that a touch is asked for only
// where it opens the envelope.
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
