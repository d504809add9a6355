// Package oath talks to the OATH applet of a security key, which generates one-time codes. The caller
// chooses the key and provides the connection to it.
//
// https://developers.yubico.com/OATH/YKOATH_Protocol.html
package oath

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
)

// A Transport sends one command to a card and returns the response.
type Transport interface {
	Transmit(command []byte) ([]byte, error)
}

var (
	// ErrNoApplet is returned for a card without the OATH applet.
	ErrNoApplet = errors.New("the security key has no OATH applet")

	// ErrLocked is returned if the key must be unlocked with its password first.
	ErrLocked = errors.New("the key's TOTP accounts are locked with a password")

	// ErrWrongPassword is returned if the key does not accept the password.
	ErrWrongPassword = errors.New("wrong password for the key's TOTP accounts")

	// ErrNoAccount is returned if the key does not have the account.
	ErrNoAccount = errors.New("the key does not have this TOTP account")

	// ErrTouch is returned if the key was not touched in time.
	ErrTouch = errors.New("the key was not touched in time")

	// ErrFull is returned if the key cannot store another account.
	ErrFull = errors.New("the key cannot store another TOTP account")
)

// A StatusError is returned if the key responds with a status word for which this package has no more specific
// error.
type StatusError struct {
	Command string
	Status  uint16
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the key's OATH applet refused %[2]s with status %04[1]x", e.Status, e.Command)
}

// An AnswerError is a response that violates the protocol.
type AnswerError struct{ Command string }

func (e *AnswerError) Error() string {
	return "the key's OATH applet sent an invalid response to " + e.Command
}

// The commands of the applet, and the status words of its responses.
const (
	insPut          = 0x01
	insDelete       = 0x02
	insList         = 0xa1
	insCode         = 0xa2
	insValidate     = 0xa3
	insSelect       = 0xa4 // the ISO 7816 command SELECT; insCodes has the same value, but another parameter P1
	insCodes        = 0xa4
	insRemaining    = 0xa5 // requests the rest of a response; other applets use GET RESPONSE (0xc0) instead
	truncated       = 0x01
	statusDone      = 0x9000
	statusMore      = 0x61
	statusNoRoom    = 0x6a84
	statusWrong     = 0x6a80
	statusNoObject  = 0x6984
	statusSecurity  = 0x6982
	statusNotFound  = 0x6a82
	statusUntouched = 0x6985
)

// The tags of fields in commands and responses.
const (
	tagName      = 0x71
	tagListed    = 0x72
	tagKey       = 0x73
	tagChallenge = 0x74
	tagResponse  = 0x75
	tagCode      = 0x76
	tagHOTP      = 0x77
	tagProperty  = 0x78
	tagTouch     = 0x7c
)

// applet is the identifier by which a card selects its OATH applet.
var applet = []byte{0xa0, 0, 0, 5, 0x27, 0x21, 0x01}

// A Key is the selected OATH applet of one security key.
type Key struct {
	card      Transport
	salt      []byte // sent by the key; used to derive the secret from the password
	challenge []byte // sent by a locked key and answered by Unlock; nil if the key is not locked
}

// Select selects the OATH applet of a card. It fails with [ErrNoApplet] if the card has no OATH applet.
func Select(card Transport) (*Key, error) {
	k := &Key{card: card}
	const command, byName = "SELECT", 0x04
	answer, status, err := k.send(insSelect, byName, 0, applet)
	switch {
	case err != nil:
		return nil, err
	case status == statusNotFound:
		return nil, ErrNoApplet
	case status != statusDone:
		return nil, &StatusError{command, status}
	}
	fields, ok := parse(answer)
	if !ok {
		return nil, &AnswerError{command}
	}
	for _, f := range fields {
		switch f.tag {
		case tagName:
			k.salt = f.value
		case tagChallenge:
			k.challenge = f.value
		}
	}
	if len(k.salt) == 0 {
		return nil, &AnswerError{command}
	}
	return k, nil
}

// Locked reports whether the key must be unlocked with a password first.
func (k *Key) Locked() bool { return k.challenge != nil }

// Unlock proves to the key that the caller knows the password. The key must prove that it knows the password too,
// because another device may imitate the key. Unlock fails with [ErrWrongPassword] if the password is wrong, and
// with an [*AnswerError] if the key does not prove that it knows the password.
func (k *Key) Unlock(password string) error {
	const command = "VALIDATE"
	// The protocol specifies the hash, the 1000 rounds and the 16 bytes.
	secret, err := pbkdf2.Key(sha1.New, password, k.salt, 1000, 16)
	if err != nil {
		return err
	}
	challenge := make([]byte, 8)
	rand.Read(challenge)
	answer, status, err := k.send(insValidate, 0, 0, join(field{tagResponse, mac(secret, k.challenge)}, field{tagChallenge, challenge}))
	switch {
	case err != nil:
		return err
	case status == statusWrong:
		return ErrWrongPassword
	case status != statusDone:
		return &StatusError{command, status}
	}
	fields, _ := parse(answer)
	for _, f := range fields {
		if f.tag == tagResponse && hmac.Equal(f.value, mac(secret, challenge)) {
			k.challenge = nil
			return nil
		}
	}
	return &AnswerError{command}
}

func mac(secret, text []byte) []byte {
	h := hmac.New(sha1.New, secret)
	h.Write(text)
	return h.Sum(nil)
}

// do sends a command, and converts status words that have the same meaning for all commands into errors.
func (k *Key) do(command string, ins, p1, p2 byte, data []byte) ([]byte, error) {
	answer, status, err := k.send(ins, p1, p2, data)
	if err != nil {
		return nil, err
	}
	switch status {
	case statusDone:
		return answer, nil
	case statusNoObject:
		return nil, ErrNoAccount
	case statusNoRoom:
		return nil, ErrFull
	case statusSecurity, statusUntouched:
		if k.Locked() {
			return nil, ErrLocked
		}
		return nil, ErrTouch
	}
	return nil, &StatusError{command, status}
}

// maxAnswer is the maximum length of a response in bytes, with all its parts. The longest response lists 64
// accounts with names of 64 bytes, and is much shorter.
const maxAnswer = 16 << 10

// send sends one command to the card and joins the parts of the response.
func (k *Key) send(ins, p1, p2 byte, data []byte) (answer []byte, status uint16, err error) {
	command := append([]byte{0, ins, p1, p2, byte(len(data))}, data...)
	for {
		part, err := k.card.Transmit(command)
		if err != nil {
			return nil, 0, err
		}
		if len(part) < 2 || len(answer)+len(part) > maxAnswer {
			return nil, 0, &AnswerError{fmt.Sprintf("command %02x", ins)}
		}
		end := len(part) - 2
		answer, status = append(answer, part[:end]...), binary.BigEndian.Uint16(part[end:])
		if status>>8 != statusMore {
			return answer, status, nil
		}
		command = []byte{0, insRemaining, 0, 0, 0}
	}
}

// A field is a part of a command or response: a tag, a length of one byte, and a value.
type field struct {
	tag   byte
	value []byte
}

// parse decodes the fields in text. The result complete is false if the last field is cut off.
func parse(text []byte) (fields []field, complete bool) {
	for len(text) >= 2 && len(text) >= 2+int(text[1]) {
		n := 2 + int(text[1])
		fields = append(fields, field{text[0], text[2:n:n]})
		text = text[n:]
	}
	return fields, len(text) == 0
}

// join encodes fields.
func join(fields ...field) []byte {
	var text []byte
	for _, f := range fields {
		text = append(append(text, f.tag, byte(len(f.value))), f.value...)
	}
	return text
}
