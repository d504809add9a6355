package keystore

import (
	"errors"
	"slices"
	"testing"
)

// fakeKWallet simulates KDE's wallet on a fake bus.
type fakeKWallet struct {
	*fakeBus
	off, denied, closed bool
	folders             map[string]map[string][]byte
	opens               int
}

func newFakeKWallet(t *testing.T, daemon string) *fakeKWallet {
	w := &fakeKWallet{fakeBus: newFakeBus(t, "org.kde."+daemon), folders: map[string]map[string][]byte{}}
	folder := func(c busCall) map[string][]byte {
		name := c.body[1].(string)
		if w.folders[name] == nil {
			w.folders[name] = map[string][]byte{}
		}
		return w.folders[name]
	}
	for method, handler := range map[string]func(busCall) ([]any, error){
		"isEnabled": func(busCall) ([]any, error) { return []any{!w.off}, nil },
		"isOpen":    func(busCall) ([]any, error) { return []any{!w.closed}, nil },
		"open": func(busCall) ([]any, error) {
			w.opens++
			w.closed = false
			if w.denied {
				return []any{int32(-1)}, nil
			}
			return []any{int32(7)}, nil
		},
		"hasEntry": func(c busCall) ([]any, error) {
			_, ok := folder(c)[c.body[2].(string)]
			return []any{ok}, nil
		},
		"readEntry": func(c busCall) ([]any, error) {
			return []any{slices.Concat([]byte{}, folder(c)[c.body[2].(string)])}, nil
		},
		"writeEntry": func(c busCall) ([]any, error) {
			if w.denied {
				return []any{int32(-1)}, nil
			}
			folder(c)[c.body[2].(string)] = c.body[3].([]byte)
			return []any{int32(0)}, nil
		},
		"removeEntry": func(c busCall) ([]any, error) {
			delete(folder(c), c.body[2].(string))
			return []any{int32(0)}, nil
		},
		"entryList": func(c busCall) ([]any, error) {
			names := []string{}
			for name := range folder(c) {
				names = append(names, name)
			}
			return []any{names}, nil
		},
	} {
		w.handle(map[string]func(busCall) ([]any, error){kwalletInterface + "." + method: handler})
	}
	return w
}

func (w *fakeKWallet) wantOpens(t *testing.T, n int) {
	t.Helper()
	w.with(func() {
		if w.opens != n {
			t.Errorf("the wallet was opened %d times, want %d", w.opens, n)
		}
	})
}

func TestKWallet(t *testing.T) {
	for _, daemon := range kwalletDaemons {
		w := newFakeKWallet(t, daemon)
		k := mustOpen(t, w.config(t))
		if k.Name != kwalletBackend || len(k.Skipped) != 1 {
			t.Fatalf("opened %s and skipped %d", k.Name, len(k.Skipped))
		}
		t.Run(daemon+" keys", func(t *testing.T) { testRing(t, k.Keys, ringTest{noStamp: true, names: []string{"a/b"}}) })
		t.Run(daemon+" private", func(t *testing.T) { testRing(t, k.Private, ringTest{noStamp: true, private: true}) })
		w.wantOpens(t, 1)
		w.with(func() { w.closed = true })
		mustPut(t, k.Keys, testItem("prod"))
		w.wantOpens(t, 2)
		w.with(func() { w.folders["aws-vault"]["prod"] = []byte("x") })
		var damaged *DamagedError
		if _, err := k.Keys.Item(t.Context(), "prod"); !errors.As(err, &damaged) {
			t.Errorf("Item returned %v, want a *DamagedError", err)
		}
		w.with(func() { w.denied = true })
		if err := k.Keys.Put(t.Context(), testItem("prod")); !errors.Is(err, errWalletRefused) {
			t.Errorf("Put returned %v, want %v", err, errWalletRefused)
		}
		if err := mustOpen(t, w.config(t)).Keys.Check(t.Context()); !errors.Is(err, ErrLocked) {
			t.Errorf("a wallet that was not opened returned %v", err)
		}
	}
}

func TestKWalletOff(t *testing.T) {
	w := newFakeKWallet(t, "kwalletd6")
	w.with(func() { w.off = true })
	c := w.config(t)
	c.Backend = kwalletBackend
	var unavailable *UnavailableError
	if _, err := Open(t.Context(), c); !errors.As(err, &unavailable) {
		t.Errorf("a disabled wallet returned %v", err)
	}
	w.with(func() { w.off = false })
	w.called()
	bus := c.Getenv
	c.Getenv = func(name string) (string, bool) {
		if name == "DISABLE_KWALLET" {
			return "1", true
		}
		return bus(name)
	}
	if _, err := Open(t.Context(), c); !errors.As(err, &unavailable) || len(w.called()) != 0 {
		t.Errorf("with DISABLE_KWALLET the wallet returned %v", err)
	}
	w.with(func() { delete(w.handlers, kwalletInterface+".isEnabled") })
	c.Getenv = bus
	if _, err := Open(t.Context(), c); err == nil || errors.As(err, &unavailable) {
		t.Errorf("a wallet that rejects the call returned %v, want an error other than *UnavailableError", err)
	}
}
