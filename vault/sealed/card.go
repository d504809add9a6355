package sealed

import (
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/subtle"
	"encoding/base64"
	"errors"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"filippo.io/age/tag"
)

// An Exchanger is a P-256 key that exchanges keys and cannot be read, such as one on a card.
type Exchanger interface {
	PublicKey() *ecdh.PublicKey
	ECDH(peer *ecdh.PublicKey) ([]byte, error) // may block until someone touches the card
}

// CardRecipient is age's form of a P-256 public key, as a tagged recipient: age1tag1….
// https://c2sp.org/age#the-p256tag-recipient-type
func CardRecipient(pub *ecdh.PublicKey) (string, error) {
	if pub.Curve() != ecdh.P256() {
		return "", errors.New("the key is not on the curve P-256")
	}
	return plugin.EncodeRecipient("tag", compressed(pub)), nil
}

// compressed is a point as SEC 1 has it: whether y is odd, and x.
// https://www.secg.org/sec1-v2.pdf, 2.3.3
func compressed(pub *ecdh.PublicKey) []byte {
	raw := pub.Bytes() // 4, x, y
	x := raw[1:33]
	return append([]byte{2 + raw[len(raw)-1]&1}, x...)
}

// openByCard uses the first opener whose card is here, and no other: a second touch would not
// open more.
func openByCard(ctx context.Context, a attempt, openers []Opener) (MasterKey, error) {
	if a.hands.Card == nil {
		return MasterKey{}, ErrAbsent
	}
	for _, o := range openers {
		key, done, err := a.hands.Card(ctx, o)
		if errors.Is(err, ErrAbsent) {
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
	return MasterKey{}, ErrAbsent
}

func openOnCard(envelope []byte, o Opener, key Exchanger) (MasterKey, error) {
	found, err := CardRecipient(key.PublicKey())
	if err != nil {
		return MasterKey{}, err
	}
	if found != o.Recipient {
		return MasterKey{}, errors.New("the card holds another key in that slot, want " + o.Recipient)
	}
	r, err := tag.ParseRecipient(o.Recipient)
	if err != nil {
		return MasterKey{}, err
	}
	return unwrap(envelope, &cardIdentity{recipient: r, key: key})
}

// cardIdentity is the identity of a tagged recipient.
type cardIdentity struct {
	recipient *tag.Recipient
	key       Exchanger
}

// exchanger is an Exchanger as package hpke takes it.
type exchanger struct{ Exchanger }

func (exchanger) Curve() ecdh.Curve { return ecdh.P256() }

// Unwrap finds the stanza that is for this card by its tag, so that a touch is asked for only
// where it opens the envelope.
func (i *cardIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if enc, ok := i.ours(s); ok {
			return i.open(enc, s.Body)
		}
	}
	return nil, age.ErrIncorrectIdentity
}

const tagType = "p256tag"

func (i *cardIdentity) ours(s *age.Stanza) (enc []byte, ok bool) {
	if s.Type != tagType || len(s.Args) != 2 {
		return nil, false
	}
	base64 := base64.RawStdEncoding.Strict()
	have, err := base64.DecodeString(s.Args[0])
	if err != nil {
		return nil, false
	}
	if enc, err = base64.DecodeString(s.Args[1]); err != nil {
		return nil, false
	}
	want, err := i.recipient.Tag(enc)
	return enc, err == nil && subtle.ConstantTimeCompare(have, want) == 1
}

func (i *cardIdentity) open(enc, body []byte) ([]byte, error) {
	priv, err := hpke.NewDHKEMPrivateKey(exchanger{i.key})
	if err != nil {
		return nil, err
	}
	r, err := hpke.NewRecipient(enc, priv, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte("age-encryption.org/"+tagType))
	if err != nil {
		return nil, err
	}
	return r.Open(nil, body)
}
