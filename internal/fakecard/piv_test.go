package fakecard

import (
	"bytes"
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/sha256"
	"testing"
)

// A testCard is a card to which tests send commands directly, without a reader.
type testCard struct {
	t *testing.T
	*Card
}

// ask sends a command and returns the card's response and its status.
func (d testCard) ask(ins, p1, p2 byte, data []byte) ([]byte, status) {
	d.t.Helper()
	for len(data) > 255 {
		if out := d.Transmit(append([]byte{classChained, ins, p1, p2, 255}, data[:255]...)); !bytes.Equal(out, []byte{0x90, 0}) {
			d.t.Fatalf("part of a chained command: %x", out)
		}
		data = data[255:]
	}
	apdu := []byte{0, ins, p1, p2}
	if len(data) > 0 {
		apdu = append(append(apdu, byte(len(data))), data...)
	}
	var all []byte
	for {
		out := d.Transmit(apdu)
		all = append(all, out[:len(out)-2]...)
		s := status(out[len(out)-2])<<8 | status(out[len(out)-1])
		if s&0xff00 != moreToCome {
			return all, s
		}
		apdu = []byte{0, d.nextInstruction(), 0, 0}
	}
}

// want sends a command, and fails the test unless the response has the status s. It returns the response.
func (d testCard) want(s status, ins, p1, p2 byte, data []byte) []byte {
	d.t.Helper()
	out, got := d.ask(ins, p1, p2, data)
	if got != s {
		d.t.Fatalf("command %02x %02x %02x: status %04x, want %04x", ins, p1, p2, got, s)
	}
	return out
}

func newTestCard(t *testing.T, o Options) testCard {
	d := testCard{t, New(o)}
	d.want(done, insSelect, 4, 0, []byte{0xa0, 0, 0, 3, 8})
	return d
}

// admin authenticates to the card with the management key. Like ykman, it also requires that the card proves that
// it knows the key.
func (d testCard) admin() {
	d.t.Helper()
	alg := d.piv.management.alg
	b := d.piv.management.block()
	out := d.want(done, insUse, alg, slotManagement, encode(tagDynamic, encode(tagWitness, nil)))
	top, _ := decode(out)
	in, _ := decode(find(top, tagDynamic))
	witness := make([]byte, b.BlockSize())
	b.Decrypt(witness, find(in, tagWitness))
	challenge := bytes.Repeat([]byte{7}, b.BlockSize())
	out = d.want(done, insUse, alg, slotManagement, encode(tagDynamic, fields(field{tagWitness, witness}, field{tagChallenge, challenge})))
	if !bytes.HasSuffix(out, encrypt(b, challenge)) {
		d.t.Error("the card does not prove that it knows its management key")
	}
}

func signP256(d testCard, slot byte) ([]byte, status) {
	sum := sha256.Sum256([]byte("message"))
	return d.ask(insUse, algP256, slot, encode(tagDynamic, fields(field{tagResponse, nil}, field{tagChallenge, sum[:]})))
}

func generateCommand(alg, pin, touch byte) []byte {
	return encode(0xac, fields(field{0x80, []byte{alg}}, field{0xaa, []byte{pin}}, field{0xab, []byte{touch}}))
}

func TestPolicies(t *testing.T) {
	d := newTestCard(t, Options{})
	d.want(notAllowed, insGenerate, 0, 0x9a, generateCommand(algP256, pinOnce, touchAlways))
	d.admin()
	d.want(done, insGenerate, 0, 0x9a, generateCommand(algP256, pinOnce, touchAlways))
	d.want(done, insGenerate, 0, 0x9c, generateCommand(algP256, pinAlways, touchNever))
	d.want(wrongData, insGenerate, 0, 0x9d, generateCommand(algP256, 4, touchNever))
	d.want(wrongParameters, insGenerate, 0, 0x70, generateCommand(algP256, pinOnce, touchNever))
	if _, s := signP256(d, 0x9a); s != notAllowed {
		t.Errorf("sign without a PIN: %04x", s)
	}
	d.want(wrongTries|2, insVerify, 0, refPIN, newSecret("000000", 3).value)
	d.want(done, insVerify, 0, refPIN, newSecret(factoryPIN, 3).value)
	for range 2 {
		out, s := signP256(d, 0x9a)
		top, _ := decode(out)
		in, _ := decode(find(top, tagDynamic))
		sum := sha256.Sum256([]byte("message"))
		if s != done || !ecdsa.VerifyASN1(d.piv.keys[0x9a].cryptoPublic().(*ecdsa.PublicKey), sum[:], find(in, tagResponse)) {
			t.Errorf("signature: status %04x, or it does not verify", s)
		}
	}
	d.want(done, insVerify, 0, refPIN, newSecret(factoryPIN, 3).value)
	if _, s := signP256(d, 0x9c); s != done {
		t.Errorf("sign after the PIN: %04x", s)
	}
	if _, s := signP256(d, 0x9c); s != notAllowed {
		t.Errorf("second signature after one PIN: %04x", s)
	}
	d.MissTouch(1)
	if _, s := signP256(d, 0x9a); s != notAllowed {
		t.Errorf("sign with a missed touch: %04x", s)
	}
	a := d.Usage()
	if a.PINs != 3 || a.Wrong != 1 || a.Touches != 3 || a.Signed != 3 || a.Count("sign 9a") != 4 {
		t.Errorf("usage: %+v", a)
	}
	d.Reset()
	d.want(done, insSelect, 4, 0, []byte{0xa0, 0, 0, 3, 8})
	if _, s := signP256(d, 0x9a); s != notAllowed {
		t.Errorf("sign after a power cycle: %04x", s)
	}
}

func TestBlocked(t *testing.T) {
	d := newTestCard(t, Options{})
	d.BlockPIN()
	d.want(blocked, insVerify, 0, refPIN, newSecret(factoryPIN, 3).value)
	d.want(wrongConditions, insResetAll, 0, 0, nil)
	for range 3 {
		d.ask(insUnblock, 0, refPIN, bytes.Repeat([]byte{1}, 2*pinLength))
	}
	d.want(blocked, insUnblock, 0, refPIN, bytes.Repeat([]byte{1}, 2*pinLength))
	d.want(done, insResetAll, 0, 0, nil)
	d.want(done, insVerify, 0, refPIN, newSecret(factoryPIN, 3).value)
}

func TestManagementKey(t *testing.T) {
	d := newTestCard(t, Options{Version: [3]byte{5, 4, 3}})
	key := bytes.Repeat([]byte{9}, 32)
	change := append([]byte{algAES256, slotManagement, 32}, key...)
	d.want(notAllowed, insSetManagementKey, 0xff, 0xff, change)
	d.admin() // authenticates with 3DES, the algorithm of the factory key before firmware 5.7
	d.want(wrongData, insSetManagementKey, 0xff, 0xff, change[:20])
	d.want(done, insSetManagementKey, 0xff, 0xff, change)
	d.Reset()
	d.want(done, insSelect, 4, 0, []byte{0xa0, 0, 0, 3, 8})
	d.admin()
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	// Only the host authenticates to the card, not the card to the host.
	out := d.want(done, insUse, algAES256, slotManagement, encode(tagDynamic, encode(tagChallenge, nil)))
	response := encrypt(b, out[len(out)-16:])
	d.want(done, insUse, algAES256, slotManagement, encode(tagDynamic, encode(tagResponse, response)))
	d.want(wrongData, insUse, algAES256, slotManagement, encode(tagDynamic, encode(tagResponse, response)))
	if m := d.want(done, insMetadata, 0, slotManagement, nil); !bytes.HasSuffix(m, []byte{5, 1, 0}) {
		t.Errorf("metadata of a changed management key: %x", m)
	}
}

func TestOldFirmware(t *testing.T) {
	d := newTestCard(t, Options{Version: [3]byte{4, 2, 8}, Serial: 77})
	d.want(unknownCommand, insMetadata, 0, 0x9a, nil)
	d.want(unknownCommand, insAttest, 0x9a, 0, nil)
	d.want(unknownCommand, insSerial, 0, 0, nil)
	d.admin()
	d.want(wrongData, insGenerate, 0, 0x9a, generateCommand(algEd25519, pinOnce, touchNever))
	d.want(done, insSelect, 4, 0, (&otpApplet{}).aid())
	if out := d.want(done, 0x01, 0x10, 0, nil); !bytes.Equal(out, []byte{0, 0, 0, 77}) {
		t.Errorf("serial number from the OTP applet: %x", out)
	}
}

func TestObjects(t *testing.T) {
	d := newTestCard(t, Options{})
	name := encode(0x5c, []byte{0x5f, 0xc1, 0x05})
	d.want(notFound, insGetData, 0x3f, 0xff, name)
	value := bytes.Repeat([]byte("certificate "), 100) // too long for one command and for one response
	put := append(bytes.Clone(name), encode(0x53, value)...)
	d.want(notAllowed, insPutData, 0x3f, 0xff, put)
	d.admin()
	d.want(done, insPutData, 0x3f, 0xff, put)
	if out := d.want(done, insGetData, 0x3f, 0xff, name); !bytes.Equal(out, encode(0x53, value)) {
		t.Errorf("an object of %d bytes came back as %d", len(value), len(out))
	}
	d.want(notAllowed, insGetData, 0x3f, 0xff, encode(0x5c, []byte{0x5f, 0xc1, 0x09}))
	d.want(done, insPutData, 0x3f, 0xff, append(bytes.Clone(name), 0x53, 0))
	d.want(notFound, insGetData, 0x3f, 0xff, name)
}
