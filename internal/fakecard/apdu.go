package fakecard

// A command is one complete APDU. If it was sent as several chained APDUs, their data has been joined.
// https://www.iso.org/standard/77180.html (ISO/IEC 7816-4), 5.1
type command struct {
	cla, ins, p1, p2 byte
	data             []byte
	maxAnswer        int // the maximum length of one response, in bytes; 0 if the command does not specify it
}

// A status is the status word at the end of each response.
type status uint16

const (
	done            status = 0x9000
	moreToCome      status = 0x6100 // 0x61 and the length of the rest of the response
	wrongTries      status = 0x63c0 // 0x63c and the number of tries left
	wrongLength     status = 0x6700
	notAllowed      status = 0x6982 // the PIN, the management key or a touch is missing
	blocked         status = 0x6983
	noSuchData      status = 0x6984
	wrongConditions status = 0x6985
	wrongData       status = 0x6a80
	notFound        status = 0x6a82
	noSpace         status = 0x6a84
	wrongParameters status = 0x6a86
	noReference     status = 0x6a88
	unknownCommand  status = 0x6d00
	unknownClass    status = 0x6e00
)

// parseCommand parses an APDU. The lengths in the APDU can have the short or the extended form.
func parseCommand(b []byte) (c command, ok bool) {
	if len(b) < 4 {
		return c, false
	}
	c.cla, c.ins, c.p1, c.p2 = b[0], b[1], b[2], b[3]
	switch b = b[4:]; {
	case len(b) == 0:
		return c, true
	case len(b) == 1:
		c.maxAnswer = answerSize(int(b[0]), 256)
		return c, true
	case b[0] != 0:
		return c.body(int(b[0]), b[1:], 1)
	case len(b) == 3:
		c.maxAnswer = answerSize(int(b[1])<<8|int(b[2]), 65536)
		return c, true
	case len(b) > 3:
		return c.body(int(b[1])<<8|int(b[2]), b[3:], 2)
	}
	return c, false
}

// body reads the data, which has n bytes, from the slice b. After the data, the slice may contain the maximum response
// length, which has width bytes.
func (c command) body(n int, b []byte, width int) (command, bool) {
	if len(b) < n {
		return c, false
	}
	c.data, b = b[:n], b[n:]
	switch len(b) {
	case 0:
	case width:
		size := 0
		for _, x := range b {
			size = size<<8 | int(x)
		}
		c.maxAnswer = answerSize(size, 1<<(8*width))
	default:
		return c, false
	}
	return c, true
}

// answerSize returns the maximum length of a response. The argument n is the length in the command. There, 0 means
// the largest possible length, which is the argument all.
func answerSize(n, all int) int {
	if n == 0 {
		return all
	}
	return n
}
