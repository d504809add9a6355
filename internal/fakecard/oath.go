package fakecard

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"slices"
)

// oathApplet stores secrets and computes one-time codes from them.
// https://developers.yubico.com/OATH/YKOATH_Protocol.html
type oathApplet struct {
	card      *Card
	salt      []byte // used with the password to derive the key
	accounts  []*account
	password  []byte // the key derived from the password; nil if there is no password
	hash      byte   // the hash algorithm with which client and card prove that they know the password
	challenge []byte // random; the client must respond to this challenge to unlock the applet
	open      bool
}

// An account is a name and a secret.
type account struct {
	name    []byte
	kind    byte // kindHOTP or kindTOTP
	hash    byte
	digits  byte
	key     []byte
	touch   bool
	counter uint32
}

const (
	insPut          = 0x01
	insDelete       = 0x02
	insSetPassword  = 0x03
	insReset        = 0x04
	insRename       = 0x05
	insList         = 0xa1
	insCalculate    = 0xa2
	insValidate     = 0xa3
	insCalculateAll = 0xa4
	insOATHRest     = 0xa5

	tagName          = 0x71
	tagListed        = 0x72
	tagKey           = 0x73
	tagOATHChallenge = 0x74
	tagOATHResponse  = 0x75
	tagTruncated     = 0x76
	tagHOTP          = 0x77
	tagProperty      = 0x78
	tagVersion       = 0x79
	tagCounter       = 0x7a
	tagHash          = 0x7b
	tagTouch         = 0x7c

	kindHOTP, kindTOTP = 0x10, 0x20
	maxAccounts        = 32
	maxName            = 64
	needsTouch         = 0x02 // a flag in the property field: the account requires a touch
)

func newOATH(c *Card) *oathApplet {
	o := &oathApplet{card: c}
	o.reset()
	return o
}

func (o *oathApplet) reset() {
	o.salt, o.accounts, o.password, o.open = random(8), nil, nil, true
}

func (*oathApplet) aid() []byte  { return []byte{0xa0, 0, 0, 0x05, 0x27, 0x21, 0x01, 0x01} }
func (*oathApplet) next() byte   { return insOATHRest }
func (o *oathApplet) clearAuth() { o.open, o.challenge = false, nil }

func (o *oathApplet) selectResponse() []byte {
	o.open = o.password == nil
	b := fields(field{tagVersion, o.card.version[:]}, field{tagName, o.salt})
	if o.password != nil {
		o.challenge = random(8)
		b = append(b, fields(field{tagOATHChallenge, o.challenge}, field{tagHash, []byte{o.hash}})...)
	}
	return b
}

func (*oathApplet) name(c command) string {
	switch c.ins {
	case insPut:
		return "put"
	case insDelete:
		return "delete"
	case insSetPassword:
		return "set password"
	case insReset:
		return "reset"
	case insRename:
		return "rename"
	case insList:
		return "list"
	case insCalculate:
		return "calculate"
	case insValidate:
		return "validate"
	case insCalculateAll:
		return "calculate all"
	}
	return "oath"
}

// decodeOATH decodes fields whose lengths have one byte. A property field has no length.
func decodeOATH(b []byte) (all []field, ok bool) {
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, false
		}
		f := field{tag: int(b[0])}
		if f.tag == tagProperty {
			f.value, b = b[1:2], b[2:]
		} else {
			n := int(b[1])
			if b = b[2:]; len(b) < n {
				return nil, false
			}
			f.value, b = b[:n], b[n:]
		}
		all = append(all, f)
	}
	return all, true
}

func (o *oathApplet) do(c command) ([]byte, status) {
	args, ok := decodeOATH(c.data)
	if !ok {
		return nil, wrongData
	}
	switch c.ins {
	case insValidate:
		return o.validate(args)
	case insReset:
		if c.p1 != 0xde || c.p2 != 0xad {
			return nil, wrongParameters
		}
		o.reset()
		return nil, done
	}
	if !o.open {
		return nil, notAllowed
	}
	switch c.ins {
	case insPut:
		return nil, o.put(args)
	case insDelete:
		return nil, o.delete(find(args, tagName))
	case insRename:
		return nil, o.rename(args)
	case insSetPassword:
		return nil, o.setPassword(args)
	case insList:
		return o.list(), done
	case insCalculate:
		return o.calculate(args, c.p2 == 0)
	case insCalculateAll:
		return o.calculateAll(args, c.p2 == 0), done
	}
	return nil, unknownCommand
}

// validate unlocks the applet if the client proves that it knows the password. In its response, the card proves that
// it knows the password too.
func (o *oathApplet) validate(args []field) ([]byte, status) {
	if o.password == nil || o.challenge == nil || !hmac.Equal(find(args, tagOATHResponse), mac(o.hash, o.password, o.challenge)) {
		return nil, wrongData
	}
	o.open = true
	return encode(tagOATHResponse, mac(o.hash, o.password, find(args, tagOATHChallenge))), done
}

func (o *oathApplet) setPassword(args []field) status {
	key := find(args, tagKey)
	if len(key) <= 1 {
		o.password = nil
		return done
	}
	if newHash(key[0]) == nil || !hmac.Equal(find(args, tagOATHResponse), mac(key[0], key[1:], find(args, tagOATHChallenge))) {
		return noSuchData
	}
	o.hash, o.password = key[0], bytes.Clone(key[1:])
	return done
}

func (o *oathApplet) find(name []byte) *account {
	i := slices.IndexFunc(o.accounts, func(a *account) bool { return bytes.Equal(a.name, name) })
	if i < 0 {
		return nil
	}
	return o.accounts[i]
}

// put stores an account. It replaces an account that has the same name.
func (o *oathApplet) put(args []field) status {
	name, key := find(args, tagName), find(args, tagKey)
	if len(name) == 0 || len(name) > maxName || len(key) < 3 {
		return wrongData
	}
	a := &account{name: bytes.Clone(name), kind: key[0] & 0xf0, hash: key[0] & 0x0f, digits: key[1], key: bytes.Clone(key[2:])}
	if a.kind != kindHOTP && a.kind != kindTOTP || newHash(a.hash) == nil || a.digits < 6 || a.digits > 8 {
		return wrongData
	}
	if p := find(args, tagProperty); p != nil {
		a.touch = p[0]&needsTouch != 0
	}
	if v := find(args, tagCounter); len(v) == 4 {
		a.counter = binary.BigEndian.Uint32(v)
	}
	switch old := o.find(name); {
	case old != nil:
		*old = *a
	case len(o.accounts) == maxAccounts:
		return noSpace
	default:
		o.accounts = append(o.accounts, a)
	}
	return done
}

func (o *oathApplet) delete(name []byte) status {
	i := slices.Index(o.accounts, o.find(name))
	if i < 0 {
		return noSuchData
	}
	o.accounts = slices.Delete(o.accounts, i, i+1)
	return done
}

func (o *oathApplet) rename(args []field) status {
	if !o.card.atLeast(5, 3) {
		return unknownCommand
	}
	if len(args) != 2 || len(args[1].value) == 0 || len(args[1].value) > maxName {
		return wrongData
	}
	a := o.find(args[0].value)
	switch {
	case a == nil:
		return noSuchData
	case o.find(args[1].value) != nil:
		return wrongData
	}
	a.name = bytes.Clone(args[1].value)
	return done
}

func (o *oathApplet) list() []byte {
	var b []byte
	for _, a := range o.accounts {
		b = append(b, encode(tagListed, append([]byte{a.kind | a.hash}, a.name...))...)
	}
	return b
}

func (o *oathApplet) calculate(args []field, full bool) ([]byte, status) {
	a := o.find(find(args, tagName))
	switch {
	case a == nil:
		return nil, noSuchData
	case a.touch && !o.card.recorder.waitTouch(string(a.name)):
		return nil, notAllowed
	}
	o.card.recorder.update(func(a *Usage) { a.Codes++ })
	return a.code(find(args, tagOATHChallenge), full), done
}

// calculateAll returns the codes of all accounts, except accounts that require a touch or use a counter.
func (o *oathApplet) calculateAll(args []field, full bool) []byte {
	var b []byte
	for _, a := range o.accounts {
		b = append(b, encode(tagName, a.name)...)
		switch {
		case a.kind == kindHOTP:
			b = append(b, encode(tagHOTP, []byte{a.digits})...)
		case a.touch:
			b = append(b, encode(tagTouch, []byte{a.digits})...)
		default:
			o.card.recorder.update(func(a *Usage) { a.Codes++ })
			b = append(b, a.code(find(args, tagOATHChallenge), full)...)
		}
	}
	return b
}

// code returns the account's code for a challenge. For a TOTP account, the challenge is the number of the time step.
// https://www.rfc-editor.org/rfc/rfc4226#section-5.3
func (a *account) code(challenge []byte, full bool) []byte {
	if a.kind == kindHOTP {
		challenge = binary.BigEndian.AppendUint64(nil, uint64(a.counter))
		a.counter++
	}
	sum := mac(a.hash, a.key, challenge)
	if full {
		return encode(tagOATHResponse, append([]byte{a.digits}, sum...))
	}
	at := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return encode(tagTruncated, binary.BigEndian.AppendUint32([]byte{a.digits}, number))
}

func newHash(number byte) func() hash.Hash {
	switch number & 0x0f {
	case 1:
		return sha1.New
	case 2:
		return sha256.New
	case 3:
		return sha512.New
	}
	return nil
}

func mac(number byte, key, message []byte) []byte {
	h := newHash(number)
	if h == nil {
		return nil
	}
	m := hmac.New(h, key)
	m.Write(message)
	return m.Sum(nil)
}
