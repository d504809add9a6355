package oath

import (
	"encoding/binary"
	"strconv"
)

// serialCommands read a YubiKey's serial number. The first command works since firmware 5, with the PIV applet; the
// second works with older firmware, with the OTP applet.
// https://docs.yubico.com/yesdk/users-manual/application-piv/apdu/serial.html
var serialCommands = []struct {
	applet  []byte
	command []byte
}{
	{[]byte{0xa0, 0, 0, 3, 8}, []byte{0, 0xf8, 0, 0, 0}},
	{[]byte{0xa0, 0, 0, 5, 0x27, 0x20, 1}, []byte{0, 1, 0x10, 0, 0}},
}

// Serial returns the serial number printed on a YubiKey, or "" if the key does not report its serial number. Call
// Serial before Select, because Serial selects applets other than OATH.
func Serial(card Transport) (string, error) {
	for _, s := range serialCommands {
		if _, ok, err := transmitShort(card, append([]byte{0, insSelect, 4, 0, byte(len(s.applet))}, s.applet...)); err != nil {
			return "", err
		} else if !ok {
			continue
		}
		answer, ok, err := transmitShort(card, s.command)
		if err != nil {
			return "", err
		}
		if ok && len(answer) == 4 {
			return strconv.FormatUint(uint64(binary.BigEndian.Uint32(answer)), 10), nil
		}
	}
	return "", nil
}

// transmitShort sends a command whose response has only one part, and reports whether the card accepted the
// command.
func transmitShort(card Transport, command []byte) (answer []byte, ok bool, err error) {
	answer, err = card.Transmit(command)
	if err != nil || len(answer) < 2 {
		return nil, false, err
	}
	end := len(answer) - 2
	return answer[:end], binary.BigEndian.Uint16(answer[end:]) == statusDone, nil
}
