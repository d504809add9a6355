package fakecard

import "encoding/binary"

// The managementApplet describes the device: its applications, serial number and firmware.
// https://docs.yubico.com/yesdk/users-manual/application-management/apdu/read-config.html
type managementApplet struct{ card *Card }

func (*managementApplet) aid() []byte            { return []byte{0xa0, 0, 0, 0x05, 0x27, 0x47, 0x11, 0x17} }
func (*managementApplet) clearAuth()             {}
func (*managementApplet) next() byte             { return insRest }
func (*managementApplet) selectResponse() []byte { return []byte("Virtual mgr - FW version 5.7.1") }

func (*managementApplet) name(command) string { return "config" }

func (m *managementApplet) do(c command) ([]byte, status) {
	const readConfig = 0x1d
	if c.ins != readConfig {
		return nil, unknownCommand
	}
	const applications = 0x023b // OTP, U2F, FIDO2, OATH, PIV and OpenPGP
	usb := binary.BigEndian.AppendUint16(nil, applications)
	var b []byte
	for _, f := range []field{
		{0x01, usb}, {0x03, usb}, // the supported applications, and the enabled applications
		{0x02, binary.BigEndian.AppendUint32(nil, m.card.serial)},
		{0x04, []byte{1}}, // the form factor of a key with USB-A
		{0x05, m.card.version[:]},
		{0x06, []byte{0, 0}}, {0x07, []byte{0}}, {0x08, []byte{0x80}}, {0x0a, []byte{0}},
	} {
		b = append(b, encode(f.tag, f.value)...)
	}
	return append([]byte{byte(len(b))}, b...), done
}

// The otpApplet returns the serial number. Clients use it for cards with old firmware.
// https://docs.yubico.com/yesdk/users-manual/application-otp/otp-commands.html
type otpApplet struct{ card *Card }

func (*otpApplet) aid() []byte { return []byte{0xa0, 0, 0, 0x05, 0x27, 0x20, 0x01, 0x01} }
func (*otpApplet) clearAuth()  {}
func (*otpApplet) next() byte  { return insRest }

func (o *otpApplet) selectResponse() []byte {
	v := o.card.version
	return []byte{v[0], v[1], v[2], 1, 0, 0, 0}
}

func (*otpApplet) name(command) string { return "otp" }

func (o *otpApplet) do(c command) ([]byte, status) {
	switch {
	case c.ins == 0x01 && c.p1 == 0x10:
		return binary.BigEndian.AppendUint32(nil, o.card.serial), done
	case c.ins == 0x03:
		return o.selectResponse(), done
	}
	return nil, unknownCommand
}
