//go:build piv && (cgo || linux) && !windows

package piv

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"testing"

	lib "github.com/go-piv/piv-go/v2/piv"

	"aws-vault/internal/fakecard"
)

// setManagementKey sets a card's management key. If protect is true, it also stores the key on the card, and
// reading the key then requires the PIN.
func setManagementKey(t *testing.T, reader string, key []byte, protect bool) {
	t.Helper()
	yk, err := lib.Open(reader)
	if err != nil {
		t.Fatal(err)
	}
	defer yk.Close()
	if err := yk.SetManagementKey(lib.DefaultManagementKey, key); err != nil {
		t.Fatal(err)
	}
	if protect {
		if err := yk.SetMetadata(key, &lib.Metadata{ManagementKey: &key}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManagementKey(t *testing.T) {
	for _, x := range []struct {
		name    string
		version [3]byte
		length  int
	}{{"3DES", [3]byte{5, 3, 1}, 24}, {"AES-128", [3]byte{5, 4, 3}, 16}, {"AES-256", [3]byte{5, 7, 1}, 32}} {
		t.Run(x.name, func(t *testing.T) {
			_, reader := insert(t, fakecard.Options{Version: x.version})
			key := bytes.Repeat([]byte{0xa5}, x.length)
			setManagementKey(t, reader, key, false)
			p := fakeUser{}
			c := p.cards()
			all, err := c.List(t.Context())
			if err != nil || len(all) != 1 || all[0].Err != nil || all[0].DefaultManagementKey {
				t.Errorf("List: %+v, %v", all, err)
			}
			r := KeyRequest{Algorithm: P256, PIN: PINOnce, Touch: TouchNever}
			var e *ManagementKeyError
			if _, err := c.Generate(t.Context(), Location{0, 0x82}, r); !errors.As(err, &e) {
				t.Errorf("unknown management key: %v", err)
			}
			c.ManagementKey = func(context.Context, uint32) ([]byte, error) { return bytes.Repeat([]byte{1}, x.length), nil }
			if _, err := c.Generate(t.Context(), Location{0, 0x82}, r); err == nil {
				t.Error("a key was generated with a wrong management key")
			}
			c.ManagementKey = func(context.Context, uint32) ([]byte, error) { return key, nil }
			if m, err := c.Generate(t.Context(), Location{0, 0x82}, r); err != nil || m.DefaultManagementKey {
				t.Errorf("correct management key: %+v, %v", m, err)
			}
		})
	}
}

func TestProtectedManagementKey(t *testing.T) {
	vc, reader := insert(t, fakecard.Options{})
	setManagementKey(t, reader, bytes.Repeat([]byte{0xa5}, 24), true)
	vc.Reset()
	p := fakeUser{}
	m := generate(t, p.cards(), Location{0, 0x82}, KeyRequest{Touch: TouchNever})
	if m.DefaultManagementKey || len(p.questions) != 1 {
		t.Errorf("management key stored under the PIN: %d PIN prompts, %+v", len(p.questions), m)
	}
	p.pins = []string{"000000"}
	vc.Reset()
	var wrong *WrongPINError
	if _, err := p.cards().Generate(t.Context(), Location{0, 0x83}, KeyRequest{Algorithm: P256, PIN: PINOnce, Touch: TouchNever}); !errors.As(err, &wrong) {
		t.Errorf("wrong PIN: %v", err)
	}
}

// TestInvalidAnswers checks that an invalid response from a card causes an error, but no panic, and that the card
// is closed after the error.
func TestInvalidAnswers(t *testing.T) {
	sum := sha256.Sum256(nil)
	for name, ask := range map[string]func(*Cards, *Key) error{
		"metadata 9c": func(_ *Cards, k *Key) error { _, err := k.Sign(nil, sum[:], crypto.SHA256); return err },
		"metadata 9b": func(c *Cards, _ *Key) error {
			_, err := c.Generate(t.Context(), Location{0, 0x82}, KeyRequest{Algorithm: P256, PIN: PINOnce, Touch: TouchNever})
			return err
		},
		"sign 9c":   func(_ *Cards, k *Key) error { _, err := k.Sign(nil, sum[:], crypto.SHA256); return err },
		"attest 9c": func(c *Cards, _ *Key) error { _, err := c.Attest(t.Context(), Location{0, Signature}); return err },
		"get":       func(c *Cards, _ *Key) error { _, err := c.Certificate(t.Context(), Location{0, Signature}); return err },
		"serial":    func(c *Cards, _ *Key) error { _, _, err := c.Key(t.Context(), Location{0, Signature}); return err },
		"version":   func(c *Cards, _ *Key) error { _, _, err := c.Key(t.Context(), Location{0, Signature}); return err },
	} {
		for _, lie := range [][]byte{{}, {1}, {0x7c, 0x82}, bytes.Repeat([]byte{0xff}, 700)} {
			vc, _ := insert(t, fakecard.Options{Serial: 5})
			p := fakeUser{}
			c := p.cards()
			k := generate(t, c, Location{0, Signature}, KeyRequest{Touch: TouchNever, Replace: "9c"}).Key
			vc.SetResponse(name, lie)
			if err := ask(c, k); err == nil || err.Error() == "" {
				t.Errorf("%s with the response %.8x: %v", name, lie, err)
			}
			service.Idle()
			service.Unplug("Yubico YubiKey OTP+FIDO+CCID 5")
		}
	}
}

func TestPanic(t *testing.T) {
	vc, _ := insert(t, fakecard.Options{})
	vc.SetResponse("metadata 9b", nil) // piv-go panics, because it reads the third byte of this empty response
	p := fakeUser{}
	var e *AnswerError
	if _, err := p.cards().Generate(t.Context(), Location{0, 0x82}, KeyRequest{Algorithm: P256, PIN: PINOnce, Touch: TouchNever}); !errors.As(err, &e) {
		t.Errorf("truncated response: %v, want an AnswerError", err)
	}
	service.Idle()
}

func TestLock(t *testing.T) {
	insert(t, fakecard.Options{})
	p := fakeUser{}
	c := p.cards()
	inside := 0
	c.Lock = func(ctx context.Context) (context.Context, func(), error) {
		inside++
		return ctx, func() { inside-- }, nil
	}
	c.UsedBy = nil
	told := 0
	c.PIN = func(context.Context, PINQuestion) (string, error) {
		told = inside
		return "123456", nil
	}
	if err := signs(t, generate(t, c, Location{0, Signature}, KeyRequest{Touch: TouchNever}).Key); err != nil || told != 1 || inside != 0 {
		t.Errorf("%v: %d locks held at the PIN prompt, %d afterwards", err, told, inside)
	}
	refused := errors.New("refused")
	c.Lock = func(ctx context.Context) (context.Context, func(), error) { return ctx, nil, refused }
	if _, err := c.List(t.Context()); !errors.Is(err, refused) {
		t.Errorf("List: %v", err)
	}
}

// piv-go returns errors of the PC/SC service only as text, so translate recognises them by their text.
func TestNoService(t *testing.T) {
	if err := translate("reader", errors.New("the Smart card resource manager is not running")); !errors.Is(err, ErrNoService) {
		t.Error(err)
	}
	other := errors.New("something else")
	if err := translate("reader", other); err != other {
		t.Error(err)
	}
}
