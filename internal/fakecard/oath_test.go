package fakecard

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"testing"
)

func newOATHTestCard(t *testing.T) testCard {
	d := testCard{t, New(Options{})}
	d.want(done, insSelect, 4, 0, (&oathApplet{}).aid())
	return d
}

func putCommand(name string, kind, hash, digits byte, more ...byte) []byte {
	key := append([]byte{kind | hash, digits}, "12345678901234567890"...)
	return append(fields(field{tagName, []byte(name)}, field{tagKey, key}), more...)
}

// at returns the TOTP challenge for a Unix time.
func at(seconds uint64) []byte {
	return encode(tagOATHChallenge, binary.BigEndian.AppendUint64(nil, seconds/30))
}

func named(name string, more []byte) []byte { return append(encode(tagName, []byte(name)), more...) }

// digits returns the code that a truncated response contains.
func digits(t *testing.T, out []byte) string {
	t.Helper()
	f, ok := decodeOATH(out)
	if !ok || len(find(f, tagTruncated)) != 5 {
		t.Fatalf("answer %x", out)
	}
	code := find(f, tagTruncated)
	n, mod := binary.BigEndian.Uint32(code[1:]), uint32(1)
	for range code[0] {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", code[0], n%mod)
}

// TestCodes compares codes with https://www.rfc-editor.org/rfc/rfc6238#appendix-B and
// https://www.rfc-editor.org/rfc/rfc4226#appendix-D.
func TestCodes(t *testing.T) {
	d := newOATHTestCard(t)
	d.want(done, insPut, 0, 0, putCommand("totp", kindTOTP, 1, 8))
	d.want(done, insPut, 0, 0, putCommand("hotp", kindHOTP, 1, 6, append([]byte{tagCounter, 4}, 0, 0, 0, 1)...))
	d.want(done, insPut, 0, 0, putCommand("touched", kindTOTP, 2, 6, tagProperty, needsTouch))
	if code := digits(t, d.want(done, insCalculate, 0, 1, named("totp", at(59)))); code != "94287082" {
		t.Errorf("TOTP at 59 s: %s", code)
	}
	for _, want := range []string{"287082", "359152"} {
		if code := digits(t, d.want(done, insCalculate, 0, 1, named("hotp", at(0)))); code != want {
			t.Errorf("HOTP: %s, want %s", code, want)
		}
	}
	if full, _ := decodeOATH(d.want(done, insCalculate, 0, 0, named("totp", at(59)))); len(find(full, tagOATHResponse)) != 1+sha1.Size {
		t.Errorf("full response: %x", full)
	}
	d.MissTouch(1)
	d.want(notAllowed, insCalculate, 0, 1, named("touched", at(59)))
	d.want(done, insCalculate, 0, 1, named("touched", at(59)))
	d.want(noSuchData, insCalculate, 0, 1, named("nobody", at(59)))
	all, _ := decodeOATH(d.want(done, insCalculateAll, 0, 1, at(59)))
	if len(all) != 6 || all[1].tag != tagTruncated || all[3].tag != tagHOTP || all[5].tag != tagTouch {
		t.Errorf("calculate all: %+v", all)
	}
	if a := d.Usage(); a.Touches != 2 || a.Codes != 6 || a.Count("calculate") != 7 {
		t.Errorf("usage: %+v", a)
	}
}

func TestAccounts(t *testing.T) {
	d := newOATHTestCard(t)
	for _, bad := range [][]byte{
		putCommand("", kindTOTP, 1, 6), putCommand("x", 0, 1, 6), putCommand("x", kindTOTP, 4, 6), putCommand("x", kindTOTP, 1, 9),
		named("x", nil), {tagName, 9, 'x'}, {tagName},
	} {
		d.want(wrongData, insPut, 0, 0, bad)
	}
	for i := range maxAccounts {
		d.want(done, insPut, 0, 0, putCommand(fmt.Sprintf("account %02d", i), kindTOTP, 1, 6))
	}
	d.want(noSpace, insPut, 0, 0, putCommand("one more", kindTOTP, 1, 6))
	d.want(done, insPut, 0, 0, putCommand("account 07", kindTOTP, 1, 8))
	list, ok := decodeOATH(d.want(done, insList, 0, 0, nil)) // the list does not fit into one response
	if !ok || len(list) != maxAccounts || string(list[31].value) != "\x21account 31" {
		t.Errorf("the list has %d accounts: %v", len(list), list)
	}
	d.want(done, insRename, 0, 0, append(named("account 07", nil), named("seven", nil)...))
	d.want(noSuchData, insRename, 0, 0, append(named("account 07", nil), named("eight", nil)...))
	d.want(wrongData, insRename, 0, 0, append(named("seven", nil), named("account 08", nil)...))
	d.want(done, insDelete, 0, 0, named("seven", nil))
	d.want(noSuchData, insDelete, 0, 0, named("seven", nil))
	d.want(wrongParameters, insReset, 0, 0, nil)
	d.want(done, insReset, 0xde, 0xad, nil)
	if out := d.want(done, insList, 0, 0, nil); len(out) != 0 {
		t.Errorf("list after a reset: %x", out)
	}
}

func TestPassword(t *testing.T) {
	d := newOATHTestCard(t)
	password, question := bytes.Repeat([]byte{5}, 16), []byte("question")
	set := func(response []byte) []byte {
		return fields(field{tagKey, append([]byte{kindTOTP | 1}, password...)}, field{tagOATHChallenge, question}, field{tagOATHResponse, response})
	}
	d.want(noSuchData, insSetPassword, 0, 0, set([]byte("wrong")))
	d.want(noSuchData, insSetPassword, 0, 0, fields(field{tagKey, []byte{9, 9, 9}}))
	d.want(done, insSetPassword, 0, 0, set(mac(1, password, question)))
	hello, _ := decodeOATH(d.want(done, insSelect, 4, 0, d.oath.aid()))
	if len(find(hello, tagOATHChallenge)) != 8 || !bytes.Equal(find(hello, tagHash), []byte{kindTOTP | 1}) {
		t.Fatalf("SELECT response of a card with a password: %+v", hello)
	}
	d.want(notAllowed, insList, 0, 0, nil)
	d.want(wrongData, insValidate, 0, 0, fields(field{tagOATHResponse, []byte("wrong")}, field{tagOATHChallenge, question}))
	out := d.want(done, insValidate, 0, 0, fields(field{tagOATHResponse, mac(1, password, find(hello, tagOATHChallenge))}, field{tagOATHChallenge, question}))
	if !hmac.Equal(find(must(decodeOATH(out)), tagOATHResponse), mac(1, password, question)) {
		t.Error("the card does not prove that it knows the password")
	}
	d.want(done, insList, 0, 0, nil)
	d.want(done, insSetPassword, 0, 0, encode(tagKey, nil))
	d.Reset()
	d.want(done, insSelect, 4, 0, d.oath.aid())
	d.want(done, insList, 0, 0, nil)
}

func must(f []field, _ bool) []field { return f }
