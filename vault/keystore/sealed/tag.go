package sealed

import (
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// A tagRecipient encrypts file keys for a P-256 key. The tag in each stanza identifies that key, so that a card is
// never used for a stanza of another key. age's own package for tagged recipients would add a second
// implementation of elliptic curves to the program. tagRecipient uses the standard library and is compatible with
// age.
// https://c2sp.org/age#the-p256tag-recipient-type
type tagRecipient struct{ pub *ecdh.PublicKey }

const (
	tagType = "p256tag"
	tagInfo = "age-encryption.org/" + tagType
	tagSize = 4
)

var (
	errNotP256   = errors.New("the key is not a P-256 key")
	errNotTagged = errors.New("the recipient is not a P-256 key, expected age1tag1…")
)

// CardRecipient returns a P-256 public key in age's format for tagged recipients: age1tag1….
func CardRecipient(pub *ecdh.PublicKey) (string, error) {
	if pub == nil || pub.Curve() != ecdh.P256() {
		return "", errNotP256
	}
	return plugin.EncodeRecipient("tag", compressed(pub)), nil
}

// compressed returns the compressed form of a public key: the parity of its y coordinate, and its x coordinate.
// https://www.secg.org/sec1-v2.pdf, 2.3.3
func compressed(pub *ecdh.PublicKey) []byte {
	raw := pub.Bytes() // the byte 4, then x and y
	return append([]byte{2 + raw[len(raw)-1]&1}, raw[1:33]...)
}

func parseTagRecipient(text string) (tagRecipient, error) {
	name, data, err := plugin.ParseRecipient(text)
	if err != nil || name != "tag" {
		return tagRecipient{}, errNotTagged
	}
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), data)
	if x == nil {
		return tagRecipient{}, errNotTagged
	}
	raw := make([]byte, 65)
	raw[0] = 4
	x.FillBytes(raw[1:33])
	y.FillBytes(raw[33:])
	pub, err := ecdh.P256().NewPublicKey(raw)
	if err != nil {
		return tagRecipient{}, errNotTagged
	}
	return tagRecipient{pub}, nil
}

// Wrap encrypts a file key for the card. The card need not be connected.
func (r tagRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	pub, err := hpke.NewDHKEMPublicKey(r.pub)
	if err != nil {
		return nil, err
	}
	enc, s, err := hpke.NewSender(pub, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(tagInfo))
	if err != nil {
		return nil, err
	}
	body, err := s.Seal(nil, fileKey)
	if err != nil {
		return nil, err
	}
	tag, err := r.tag(enc)
	if err != nil {
		return nil, err
	}
	text := base64.RawStdEncoding.EncodeToString
	return []*age.Stanza{{Type: tagType, Args: []string{text(tag), text(enc)}, Body: body}}, nil
}

func (r tagRecipient) tag(enc []byte) ([]byte, error) {
	sum := sha256.Sum256(compressed(r.pub))
	full, err := hkdf.Extract(sha256.New, append(slices.Clip(enc), sum[:tagSize]...), []byte(tagInfo))
	if err != nil {
		return nil, err
	}
	return full[:tagSize], nil
}

// match reports whether a stanza is for this recipient, and returns the stanza's encapsulated key.
func (r tagRecipient) match(s *age.Stanza) (enc []byte, ok bool) {
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
	want, err := r.tag(enc)
	return enc, err == nil && subtle.ConstantTimeCompare(have, want) == 1
}
