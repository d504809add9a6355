package cli_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"

	"github.com/rogpeppe/go-internal/testscript"

	"aws-vault/internal/fakecard"
)

// protect sets the password of a security key's TOTP accounts in the same way as Yubico's programs.
// https://developers.yubico.com/OATH/YKOATH_Protocol.html
func protect(ts *testscript.TestScript, c *fakecard.Card, password string) {
	hello := c.Transmit([]byte{0, 0xa4, 4, 0, 7, 0xa0, 0, 0, 5, 0x27, 0x21, 1})
	salt := hello[bytes.IndexByte(hello, 0x71)+2:][:8]
	secret, err := pbkdf2.Key(sha1.New, password, salt, 1000, 16)
	ts.Check(err)
	challenge := []byte("EXAMPLE!")
	mac := hmac.New(sha1.New, secret)
	mac.Write(challenge)
	data := append([]byte{0x73, 17, 1}, secret...)
	data = append(append(data, 0x74, 8), challenge...)
	data = append(append(data, 0x75, 20), mac.Sum(nil)...)
	if answer := c.Transmit(append([]byte{0, 3, 0, 0, byte(len(data))}, data...)); !bytes.Equal(answer, []byte{0x90, 0}) {
		ts.Fatalf("the password was not set: %x", answer)
	}
}
