//go:build unix && !darwin

package pcsc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/internal/fakecard"
)

const yubikey = "Yubico YubiKey OTP+FIDO+CCID 00 00"

// newService starts a fake service with one fake card. It returns the service, the card and the path of the
// service's socket.
func newService(t *testing.T) (*fakecard.Service, *fakecard.Card, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	s, err := fakecard.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c := fakecard.New(fakecard.Options{})
	s.Insert(yubikey, c)
	return s, c, path
}

func open(t *testing.T, path string) *Service {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var selectOATH = []byte{0, 0xa4, 4, 0, 7, 0xa0, 0, 0, 5, 0x27, 0x21, 1}

func TestCard(t *testing.T) {
	fake, _, path := newService(t)
	s := open(t, path)
	readers, err := s.Readers()
	if err != nil || len(readers) != 1 || readers[0] != (Reader{yubikey, true}) {
		t.Fatalf("%v, %v", readers, err)
	}
	c, err := s.Card(yubikey)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Transmit(selectOATH)
	if err != nil || !bytes.HasSuffix(answer, []byte{0x90, 0}) {
		t.Errorf("%x, %v", answer, err)
	}
	if fake.Open() != 1 {
		t.Errorf("%d programs have the card open", fake.Open())
	}
	if err := c.Close(); err != nil || fake.Open() != 0 {
		t.Errorf("%v, %d programs have the card open", err, fake.Open())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	fake, c, path := newService(t)
	s := open(t, path)
	for _, name := range []string{"other", strings.Repeat("x", 200)} {
		if _, err := s.Card(name); !errors.Is(err, NoReader) {
			t.Errorf("reader %.10s: %v", name, err)
		}
	}
	release, ok := fake.OpenExclusive(yubikey)
	if !ok {
		t.Fatal("cannot open the card exclusively")
	}
	if _, err := s.Card(yubikey); !errors.Is(err, InUse) || err.Error() != "another program has the card open" {
		t.Errorf("card in exclusive use: %v", err)
	}
	release()
	got, err := s.Card(yubikey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.Transmit(selectOATH); err != nil {
		t.Fatal(err)
	}
	c.PullAt("list")
	if _, err := got.Transmit([]byte{0, 0xa1, 0, 0, 0}); !errors.Is(err, Removed) {
		t.Errorf("card removed during a command: %v", err)
	}
	got.Close()
	if readers, err := s.Readers(); err != nil || readers[0].Present {
		t.Errorf("%v, %v", readers, err)
	}
	if _, err := s.Card(yubikey); !errors.Is(err, NoCard) {
		t.Errorf("empty reader: %v", err)
	}
	for code, want := range map[Error]string{NoReader: "there is no card reader of that name", NoCard: "there is no card in the reader", Removed: "the card was removed",
		Reset: "another program has reset the card", NotAllowed: "the system does not allow this user to use smart cards", 0x80100001: "the PC/SC service returned error 0x80100001"} {
		if code.Error() != want {
			t.Errorf("%#x: %v", uint32(code), code)
		}
	}
}

// TestVersions connects to services that accept only their own protocol version.
func TestVersions(t *testing.T) {
	for _, minor := range []uint32{4, 5, 6} {
		fake, _, path := newService(t)
		fake.RequireMinor(minor)
		c, err := open(t, path).Card(yubikey)
		if err != nil {
			t.Errorf("version 4.%d: %v", minor, err)
			continue
		}
		if answer, err := c.Transmit(selectOATH); err != nil || !bytes.HasSuffix(answer, []byte{0x90, 0}) {
			t.Errorf("version 4.%d: %x, %v", minor, answer, err)
		}
	}
	fake, _, path := newService(t)
	fake.RequireMinor(3)
	if _, err := Open(t.Context(), path); err == nil || err.Error() != "the PC/SC service uses protocol version 4.3, expected 4.4" {
		t.Errorf("version 4.3: %v", err)
	}
}

// TestExclusive checks that Exclusive fails immediately if the card is in use, and that no other program can open the
// card after Exclusive has succeeded.
func TestExclusive(t *testing.T) {
	fake, _, path := newService(t)
	first, second := open(t, path), open(t, path)
	c, err := first.Card(yubikey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Exclusive(yubikey); !errors.Is(err, InUse) {
		t.Errorf("exclusive access while the card is in use: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err = second.Exclusive(yubikey); err != nil {
		t.Fatal(err)
	}
	if answer, err := c.Transmit(selectOATH); err != nil || !bytes.HasSuffix(answer, []byte{0x90, 0}) {
		t.Errorf("%x, %v", answer, err)
	}
	if _, err := first.Card(yubikey); !errors.Is(err, InUse) {
		t.Errorf("access while the card is in exclusive use: %v", err)
	}
	if err := c.Close(); err != nil || fake.Open() != 0 {
		t.Errorf("%v, %d programs have the card open", err, fake.Open())
	}
}

// TestTransactions checks that the commands of two programs do not mix: the second program waits until the first
// program has closed the card.
func TestTransactions(t *testing.T) {
	fake, touched, path := newService(t)
	first, err := open(t, path).Card(yubikey)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		s, err := Open(context.Background(), path)
		if err == nil {
			var c *Card
			if c, err = s.Card(yubikey); err == nil {
				_, err = c.Transmit(selectOATH)
				c.Close()
			}
			s.Close()
		}
		second <- err
	}()
	for fake.Open() != 2 { // wait until the second program has opened the card
		select {
		case err := <-second:
			t.Fatalf("the second did not wait: %v", err)
		default:
		}
	}
	if n := len(touched.Usage().Commands); n != 0 {
		t.Errorf("the second program sent %d commands too early", n)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}

func TestNoService(t *testing.T) {
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "gone")); !errors.Is(err, ErrNoService) {
		t.Errorf("no socket: %v", err)
	}
	fake, _, path := newService(t)
	fake.Close()
	if _, err := Open(t.Context(), path); !errors.Is(err, ErrNoService) {
		t.Errorf("service stopped: %v", err)
	}
}

// TestCancel checks that a command that waits for a touch fails when the context ends.
func TestCancel(t *testing.T) {
	_, c, path := newService(t)
	asked, touch := make(chan struct{}), make(chan struct{})
	c.OnTouch(func(context.Context, string) bool { close(asked); <-touch; return true })
	ctx, cancel := context.WithCancelCause(t.Context())
	s, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Card(yubikey)
	if err != nil {
		t.Fatal(err)
	}
	put := append([]byte{0, 1, 0, 0, 23, 0x71, 1, 'x', 0x73, 16, 0x21, 6}, make([]byte, 14)...)
	for _, command := range [][]byte{selectOATH, append(put, 0x78, 2)} {
		if answer, err := got.Transmit(command); err != nil || !bytes.HasSuffix(answer, []byte{0x90, 0}) {
			t.Fatalf("%x, %v", answer, err)
		}
	}
	enough := errors.New("enough")
	go func() { <-asked; cancel(enough) }()
	_, err = got.Transmit([]byte{0, 0xa2, 0, 1, 13, 0x71, 1, 'x', 0x74, 8, 0, 0, 0, 0, 0, 0, 0, 1})
	close(touch)
	if !errors.Is(err, enough) {
		t.Errorf("the error is %v, want the context's cause", err)
	}
	if _, err := Open(ctx, path); err == nil {
		t.Error("Open succeeded after the context ended")
	}
}

// TestHostileService checks that Service refuses invalid responses, and limits the length of responses.
func TestHostileService(t *testing.T) {
	ok := func(n int, set ...uint32) []byte {
		b := make([]byte, n)
		for i := 0; i+1 < len(set); i += 2 {
			binary.NativeEndian.PutUint32(b[set[i]:], set[i+1])
		}
		return b
	}
	hello := [][]byte{ok(12), ok(12)}
	card := append(append([][]byte{}, hello...), ok(152), ok(8))
	for name, c := range map[string]struct {
		answers [][]byte
		want    string
	}{
		"nothing":          {nil, "PC/SC service: "},
		"another protocol": {[][]byte{ok(12, 0, 3, 4, 9, 8, 1)}, "the PC/SC service uses protocol version 3.9, expected 4.4"},
		"an older version": {[][]byte{ok(12, 0, 4, 4, 3, 8, 1)}, "the PC/SC service uses protocol version 4.3, expected 4.4"},
		"no version":       {[][]byte{ok(12, 0, 4, 4, 5, 8, 1), ok(12, 0, 4, 4, 6, 8, 1)}, "the PC/SC service uses protocol version 4.6, expected 4.5"},
		"no context":       {[][]byte{ok(12), ok(12, 8, uint32(NotAllowed))}, "the system does not allow this user to use smart cards"},
		"half a list":      {append(append([][]byte{}, hello...), ok(5)), "PC/SC service: "},
		"no transaction":   {append(append([][]byte{}, hello...), ok(152), ok(8, 4, uint32(Reset))), "another program has reset the card"},
		"4 GB":             {append(append([][]byte{}, card...), ok(32, 24, 0xffffffff)), "the PC/SC service announced a response of 4294967295 bytes, expected at most 65538"},
		"an error":         {append(append([][]byte{}, card...), ok(32, 28, uint32(Removed))), "the card was removed"},
	} {
		t.Run(name, func(t *testing.T) {
			err := visit(t, c.answers, name == "half a list")
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

// visit connects to a service that sends the given responses and then disconnects. visit returns the first error.
func visit(t *testing.T, answers [][]byte, list bool) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for _, a := range answers {
			head := make([]byte, 8)
			if _, err := io.ReadFull(conn, head); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, conn, int64(binary.NativeEndian.Uint32(head))); err != nil {
				return
			}
			conn.Write(a)
		}
	}()
	s, err := Open(t.Context(), path)
	if err != nil {
		return err
	}
	defer s.Close()
	if list {
		_, err = s.Readers()
		return err
	}
	c, err := s.Card("x")
	if err != nil {
		return err
	}
	_, err = c.Transmit(selectOATH)
	return err
}
