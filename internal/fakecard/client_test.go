package fakecard

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// A testClient is a program that uses a card through the service's socket.
type testClient struct {
	t      *testing.T
	conn   net.Conn
	handle uint32
}

func newService(t *testing.T) *Service {
	t.Helper()
	s, stop, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s
}

func dial(t *testing.T, s *Service) *testClient {
	t.Helper()
	conn, err := net.Dial("unix", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &testClient{t: t, conn: conn}
}

// call sends a request and returns the body of the response. The request's body is size bytes long. The map words
// contains the numbers to write into the body; its keys are their offsets. The bytes in the argument after are sent
// after the body.
func (h *testClient) call(number uint32, size int, words map[int]uint32, after []byte) message {
	h.t.Helper()
	m := make(message, size)
	for at, w := range words {
		m.set(at, w)
	}
	return h.send(number, m, after)
}

func (h *testClient) send(number uint32, m message, after []byte) message {
	h.t.Helper()
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(m)))
	head = binary.LittleEndian.AppendUint32(head, number)
	if _, err := h.conn.Write(append(append(head, m...), after...)); err != nil {
		h.t.Fatal(err)
	}
	out := make(message, len(m))
	if _, err := io.ReadFull(h.conn, out); err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *testClient) connect(reader string, mode uint32) uint32 {
	h.t.Helper()
	m := make(message, 152)
	copy(m[4:], reader)
	m.set(132, mode)
	out := h.send(0x04, m, nil)
	if out.word(148) == 0 {
		h.handle = out.word(140)
	}
	return out.word(148)
}

// transmit sends a command. It returns the card's response, including its status word, and the service's return code.
func (h *testClient) transmit(apdu []byte) ([]byte, uint32) {
	h.t.Helper()
	out := h.call(0x09, 32, map[int]uint32{0: h.handle, 12: uint32(len(apdu))}, apdu)
	b := make([]byte, out.word(24))
	if _, err := io.ReadFull(h.conn, b); err != nil {
		h.t.Fatal(err)
	}
	return b, out.word(28)
}

const readerName = "Yubico YubiKey OTP+FIDO+CCID 00 00"

func TestService(t *testing.T) {
	s := newService(t)
	h := dial(t, s)
	if rc := h.connect(readerName, 1); rc != rcUnknownReader {
		t.Errorf("connect to an unknown reader: %#x", rc)
	}
	c := New(Options{})
	s.Insert(readerName, c)
	if rc := h.connect(readerName, shareExclusive); rc != 0 {
		t.Fatalf("connect: %#x", rc)
	}
	if rc := dial(t, s).connect(readerName, 2); rc != rcSharing {
		t.Errorf("connect to a card in exclusive use: %#x", rc)
	}
	if s.Open() != 1 {
		t.Errorf("%d programs have a card open, want 1", s.Open())
	}
	out, rc := h.transmit([]byte{0, 0xa4, 4, 0, 5, 0xa0, 0, 0, 3, 8})
	if rc != 0 || !bytes.HasSuffix(out, []byte{0x90, 0}) {
		t.Errorf("select: %x, %#x", out, rc)
	}
	for _, rc := range []uint32{
		h.call(0x07, 8, map[int]uint32{0: h.handle}, nil).word(4),
		h.call(0x0b, 8, map[int]uint32{0: h.handle}, nil).word(4),
		h.call(0x08, 12, map[int]uint32{0: h.handle}, nil).word(8),
		h.call(0x05, 24, map[int]uint32{0: h.handle, 12: 1}, nil).word(20),
		h.call(0x06, 12, map[int]uint32{0: h.handle, 4: 1}, nil).word(8),
	} {
		if rc != 0 {
			t.Errorf("begin, status, end, reconnect or disconnect: %#x", rc)
		}
	}
	if s.Open() != 0 {
		t.Errorf("%d programs have a card open, want none", s.Open())
	}
	s.Pull(readerName)
	if rc := h.connect(readerName, 2); rc != rcNoCard {
		t.Errorf("connect to an empty reader: %#x", rc)
	}
}

func TestCardInUse(t *testing.T) {
	s := newService(t)
	s.Insert(readerName, New(Options{}))
	release, ok := s.OpenExclusive(readerName)
	if !ok {
		t.Fatal("cannot open a free card exclusively")
	}
	h := dial(t, s)
	if rc := h.connect(readerName, 2); rc != rcSharing {
		t.Errorf("connect to a card in exclusive use: %#x", rc)
	}
	release()
	if rc := h.connect(readerName, 2); rc != 0 {
		t.Errorf("connect after the card was released: %#x", rc)
	}
	if _, ok := s.OpenExclusive(readerName); ok {
		t.Error("a card in use was opened exclusively")
	}
}

func TestPulledDuringCommand(t *testing.T) {
	s := newService(t)
	c := New(Options{})
	s.Insert(readerName, c)
	h := dial(t, s)
	h.connect(readerName, shareExclusive)
	h.transmit([]byte{0, 0xa4, 4, 0, 5, 0xa0, 0, 0, 3, 8})
	c.PullAt("verify")
	if out, rc := h.transmit([]byte{0, 0x20, 0, 0x80}); rc != 0 || len(out) != 2 {
		t.Errorf("query of the PIN tries: %x, %#x", out, rc)
	}
	if out, rc := h.transmit(verifyCommand("123456")); rc != rcRemoved || len(out) != 0 {
		t.Errorf("verify on a card that was removed: %x, %#x, want %#x", out, rc, uint32(rcRemoved))
	}
	if out, rc := h.transmit(verifyCommand("123456")); rc != rcRemoved || len(out) != 0 {
		t.Errorf("verify after the removal: %x, %#x", out, rc)
	}
	s.Insert(readerName, c)
	if _, rc := h.transmit(verifyCommand("123456")); rc != rcReset {
		t.Errorf("verify after the card was inserted again: %#x, want %#x", rc, uint32(rcReset))
	}
}

func verifyCommand(pin string) []byte {
	return append([]byte{0, 0x20, 0, 0x80, 8}, newSecret(pin, 3).value...)
}

func TestHostileClient(t *testing.T) {
	s := newService(t)
	s.Insert(readerName, New(Options{}))
	for name, b := range map[string][]byte{
		"unknown request": {0, 0, 0, 0, 0x7f, 0, 0, 0},
		"short request":   {4, 0, 0, 0, 0x04, 0, 0, 0, 1, 2, 3, 4},
		"endless request": {0xff, 0xff, 0xff, 0xff, 0x01, 0, 0, 0},
	} {
		h := dial(t, s)
		h.conn.Write(b)
		if n, err := h.conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: the response has %d bytes, want none", name, n)
		}
	}
	if rc := dial(t, s).connect(readerName, 2); rc != 0 {
		t.Errorf("connect of another client: %#x", rc)
	}
}

func TestList(t *testing.T) {
	s := newService(t)
	h := dial(t, s)
	if rc := h.call(0x01, 12, nil, nil).word(8); rc != 0 {
		t.Errorf("establish: %#x", rc)
	}
	list := func(number uint32) message {
		t.Helper()
		if _, err := h.conn.Write(binary.LittleEndian.AppendUint32([]byte{0, 0, 0, 0}, number)); err != nil {
			t.Fatal(err)
		}
		m := make(message, readerBytes*maxReaders)
		if _, err := io.ReadFull(h.conn, m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := list(0x13); m[0] != 0 {
		t.Errorf("list without readers: %q", m.text(0, 127))
	}
	s.Insert(readerName, New(Options{}))
	if _, err := io.ReadFull(h.conn, make([]byte, 8)); err != nil { // request 0x13 waits for this notification
		t.Fatal(err)
	}
	if m := list(0x12); m.text(0, 127) != readerName || m.word(132)&4 == 0 || m.word(176) != uint32(len(atr)) {
		t.Errorf("list with a reader and a card: %x", m[:readerBytes])
	}
	s.Unplug(readerName)
	if m := list(0x12); m[0] != 0 {
		t.Errorf("list after the reader was unplugged: %q", m.text(0, 127))
	}
	s.Idle()
	if rc := h.call(0x0a, 24, map[int]uint32{8: 3}, []byte{1, 2, 3}).word(20); rc != rcUnsupported {
		t.Errorf("control: %#x", rc)
	}
	h.conn.Write(binary.LittleEndian.AppendUint32([]byte{0, 0, 0, 0}, 0x14))
	if _, err := io.ReadFull(h.conn, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
}
