package fakecard

import (
	"bytes"
	"net"
	"testing"
)

func TestServeVPCD(t *testing.T) {
	ours, theirs := net.Pipe()
	c := New(Options{})
	ended := make(chan error, 1)
	go func() { ended <- c.ServeVPCD(ours) }()
	for _, x := range []struct{ send, want []byte }{
		{[]byte{4}, atr},
		{[]byte{0, insSelect, 4, 0, 5, 0xa0, 0, 0, 3, 8}, append((&pivApplet{}).selectResponse(), 0x90, 0)},
	} {
		if err := writeFrame(theirs, x.send); err != nil {
			t.Fatal(err)
		}
		if got, err := readFrame(theirs); err != nil || !bytes.Equal(got, x.want) {
			t.Errorf("%x: %x, %v", x.send, got, err)
		}
	}
	if err := writeFrame(theirs, []byte{2}); err != nil { // a reset has no response
		t.Fatal(err)
	}
	if err := writeFrame(theirs, []byte{0, 0x20, 0, 0x80}); err != nil {
		t.Fatal(err)
	}
	if got, err := readFrame(theirs); err != nil || !bytes.Equal(got, []byte{0x6d, 0}) {
		t.Errorf("verify after a reset: %x, %v", got, err)
	}
	theirs.Close()
	if err := <-ended; err != nil {
		t.Errorf("error after the reader was closed: %v", err)
	}
}

func TestParseCommand(t *testing.T) {
	for _, x := range []struct {
		in   []byte
		ok   bool
		data int
		most int
	}{
		{[]byte{0, 1, 2}, false, 0, 0},
		{[]byte{0, 1, 2, 3}, true, 0, 0},
		{[]byte{0, 1, 2, 3, 0}, true, 0, 256},
		{[]byte{0, 1, 2, 3, 2, 8, 9}, true, 2, 0},
		{[]byte{0, 1, 2, 3, 2, 8, 9, 7}, true, 2, 7},
		{[]byte{0, 1, 2, 3, 2, 8}, false, 0, 0},
		{[]byte{0, 1, 2, 3, 0, 1, 0}, true, 0, 256},
		{[]byte{0, 1, 2, 3, 0, 0, 0}, true, 0, 65536},
		{[]byte{0, 1, 2, 3, 0, 0, 1, 9}, true, 1, 0},
		{[]byte{0, 1, 2, 3, 0, 0, 1, 9, 0, 0}, true, 1, 65536},
		{[]byte{0, 1, 2, 3, 0, 0, 1, 9, 0}, false, 0, 0},
		{[]byte{0, 1, 2, 3, 0, 0}, false, 0, 0},
	} {
		c, ok := parseCommand(x.in)
		if ok != x.ok || ok && (len(c.data) != x.data || c.maxAnswer != x.most) {
			t.Errorf("%x: %+v, %v", x.in, c, ok)
		}
	}
}

// FuzzTransmit checks that the card's response to every command has a status.
func FuzzTransmit(f *testing.F) {
	f.Add([]byte{0, insSelect, 4, 0, 5, 0xa0, 0, 0, 3, 8}, []byte{0, insUse, algP256, 0x9a, 2, tagDynamic, 0})
	f.Add([]byte{0, insSelect, 4, 0, 8, 0xa0, 0, 0, 5, 0x27, 0x21, 1, 1}, []byte{0, insPut, 0, 0, 2, tagName, 0})
	c := New(Options{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, apdu := range [][]byte{first, second} {
			if len(c.Transmit(apdu)) < 2 {
				t.Errorf("%x: no response", apdu)
			}
		}
		c.Reset()
	})
}
