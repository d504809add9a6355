package fakecard

import (
	"encoding/binary"
	"fmt"
)

// pivApplet is the PIV applet of a YubiKey.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-73-4.pdf
// https://developers.yubico.com/PIV/Introduction/Yubico_extensions.html
type pivApplet struct {
	card       *Card
	ca         attestationCA
	keys       map[byte]*pivKey // the keys by slot
	objects    map[int][]byte   // the data objects by tag
	pin        secret
	puk        secret
	management managementKey

	pinVerified bool // whether the last PIN was correct; false after a reset or after another applet was selected
	pinFresh    bool // whether the last PIN was correct and no key has been used since then
}

// The instructions of the applet.
const (
	insVerify           = 0x20
	insChange           = 0x24
	insUnblock          = 0x2c
	insGenerate         = 0x47
	insUse              = 0x87
	insGetData          = 0xcb
	insPutData          = 0xdb
	insMetadata         = 0xf7
	insSerial           = 0xf8
	insAttest           = 0xf9
	insSetTries         = 0xfa
	insResetAll         = 0xfb
	insVersion          = 0xfd
	insImport           = 0xfe
	insSetManagementKey = 0xff
)

func newPIV(c *Card) *pivApplet {
	p := &pivApplet{card: c, ca: newAttestationCA(c)}
	p.reset()
	return p
}

// reset restores the factory state of the applet.
func (p *pivApplet) reset() {
	p.keys = map[byte]*pivKey{slotAttestation: {alg: algP256, pin: pinNever, touch: touchNever, private: p.ca.key}}
	p.objects = map[int][]byte{objectAttestation: append(encode(0x70, p.ca.device.Raw), 0x71, 1, 0, 0xfe, 0)}
	p.pin, p.puk = newSecret(factoryPIN, 3), newSecret(factoryPUK, 3)
	p.management = newManagementKey(p.card)
	p.clearAuth()
}

func (*pivApplet) aid() []byte { return []byte{0xa0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0, 0x01, 0} }
func (*pivApplet) next() byte  { return insRest }

func (*pivApplet) selectResponse() []byte {
	return []byte{0x61, 0x11, 0x4f, 0x06, 0, 0, 0x10, 0, 0x01, 0, 0x79, 0x07, 0x4f, 0x05, 0xa0, 0, 0, 0x03, 0x08}
}

func (p *pivApplet) clearAuth() {
	p.pinVerified, p.pinFresh = false, false
	p.management.clearAuth()
}

func (p *pivApplet) name(c command) string {
	switch c.ins {
	case insVerify:
		if len(c.data) == 0 {
			return "tries"
		}
		return "verify"
	case insGenerate, insImport:
		return fmt.Sprintf("make %02x", c.p2)
	case insUse:
		return p.nameOfUse(c)
	case insGetData:
		return "get"
	case insPutData:
		return "put"
	case insMetadata:
		return fmt.Sprintf("metadata %02x", c.p2)
	case insAttest:
		return fmt.Sprintf("attest %02x", c.p1)
	case insVersion:
		return "version"
	case insSerial:
		return "serial"
	}
	return fmt.Sprintf("piv %02x", c.ins)
}

func (p *pivApplet) nameOfUse(c command) string {
	verb := "sign"
	switch args, _ := parseDynamic(c); {
	case c.p2 == slotManagement:
		verb = "administer"
	case has(args, tagPeer):
		verb = "exchange"
	}
	return fmt.Sprintf("%s %02x", verb, c.p2)
}

func (p *pivApplet) do(c command) ([]byte, status) {
	switch c.ins {
	case insVersion:
		return p.card.version[:], done
	case insSerial:
		if !p.card.atLeast(5, 0) {
			return nil, unknownCommand
		}
		return binary.BigEndian.AppendUint32(nil, p.card.serial), done
	case insVerify:
		return nil, p.verify(c)
	case insChange:
		return nil, p.change(c)
	case insUnblock:
		return nil, p.unblock(c)
	case insSetTries:
		return nil, p.setTries(c)
	case insGenerate:
		return p.generate(c)
	case insImport:
		return nil, p.importKey(c)
	case insUse:
		return p.use(c)
	case insGetData:
		return p.get(c)
	case insPutData:
		return nil, p.put(c)
	case insMetadata:
		return p.metadata(c)
	case insAttest:
		return p.attest(c)
	case insSetManagementKey:
		return nil, p.management.change(c)
	case insResetAll:
		if p.pin.left != 0 || p.puk.left != 0 {
			return nil, wrongConditions
		}
		p.reset()
		return nil, done
	}
	return nil, unknownCommand
}

// metadata returns the public information about a key, the PIN, the PUK or the management key.
// https://docs.yubico.com/yesdk/users-manual/application-piv/apdu/metadata.html
func (p *pivApplet) metadata(c command) ([]byte, status) {
	if !p.card.atLeast(5, 3) {
		return nil, unknownCommand
	}
	switch c.p2 {
	case refPIN:
		return p.pin.metadata(), done
	case refPUK:
		return p.puk.metadata(), done
	case slotManagement:
		return p.management.metadata(), done
	}
	k := p.keys[c.p2]
	if k == nil {
		return nil, noReference
	}
	return k.metadata(), done
}

func fields(all ...field) []byte {
	var b []byte
	for _, f := range all {
		b = append(b, encode(f.tag, f.value)...)
	}
	return b
}

// boolByte encodes a bool as one byte.
func boolByte(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}
