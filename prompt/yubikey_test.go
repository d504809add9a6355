package prompt

import (
	"context"
	"errors"
	"testing"
)

func TestYubiKey(t *testing.T) {
	w := newFakeEnv(t)
	env := w.env()
	if _, err := Choose(env, "yubikey", Options{}); err == nil || err.Error() != "cannot prompt with yubikey: security keys are not available here" {
		t.Errorf("without keys: %v", err)
	}
	failure := errors.New("not touched")
	env.KeyCode = func(_ context.Context, device string) (string, error) {
		if device != serial {
			return "", failure
		}
		return "123456", nil
	}
	p, err := Choose(env, "yubikey", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := p.Ask(t.Context(), Request{Kind: Code, Device: serial}); err != nil || code != "123456" {
		t.Errorf("%q, %v", code, err)
	}
	if _, err := p.Ask(t.Context(), Request{Kind: Code, Device: "other"}); !errors.Is(err, failure) || err.Error() != "yubikey: not touched" {
		t.Errorf("%v", err)
	}
	if _, err := yubikey.Ask(t.Context(), env, Request{Kind: Line}); err == nil || err.Error() != "cannot answer a request for a line, only for a code" {
		t.Errorf("a line: %v", err)
	}
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]Driver{"yubikey": {Device: true, WithoutPromptLock: true}, "ykman": {Device: true}, "terminal": {Terminal: true}, "": {}, "x": {}} {
		d, ok := Named(name)
		if d.Device != want.Device || d.WithoutPromptLock != want.WithoutPromptLock || d.Terminal != want.Terminal || ok != (len(name) > 1) {
			t.Errorf("%q is %+v, %v", name, d, ok)
		}
	}
}
