package prompt

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestYubiKey(t *testing.T) {
	w := newWorld(t)
	env := w.env()
	if _, err := Choose(env, "yubikey", Options{}); err == nil || err.Error() != "cannot ask by yubikey: no security key can be used from here" {
		t.Errorf("without keys: %v", err)
	}
	failure := errors.New("not touched")
	env.KeyCode = func(_ context.Context, device string, _ func(context.Context, Request) (string, error)) (string, error) {
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
	if _, err := yubikey.Ask(t.Context(), env, Request{Kind: Line}); err == nil || err.Error() != "asked for a line, has only codes" {
		t.Errorf("a line: %v", err)
	}
}

// What the key wants to know first, a person is asked.
func TestYubiKeyPassword(t *testing.T) {
	w := newWorld(t)
	w.programs, w.outputs = []string{"zenity"}, []string{"hunter2\n"}
	w.vars["DISPLAY"] = ":0"
	env := w.env()
	env.KeyCode = func(ctx context.Context, _ string, ask func(context.Context, Request) (string, error)) (string, error) {
		answer, err := ask(ctx, Request{Kind: Passphrase, Text: "Password of the key"})
		if answer != "hunter2" {
			t.Errorf("the answer is %q, %v", answer, err)
		}
		return "123456", err
	}
	drivers := []Driver{zenity, yubikey}
	p, err := choose(drivers, env, "yubikey", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := p.Ask(t.Context(), Request{Kind: Code, Device: serial}); err != nil || code != "123456" {
		t.Errorf("%q, %v", code, err)
	}
	nobody := env
	nobody.LookPath = newWorld(t).env().LookPath
	nobody.KeyCode = func(ctx context.Context, _ string, ask func(context.Context, Request) (string, error)) (string, error) {
		return ask(ctx, Request{Kind: Passphrase})
	}
	if p, err = choose(drivers, nobody, "yubikey", Options{}); err != nil {
		t.Fatal(err)
	}
	var e *NoWayError
	if _, err := p.Ask(t.Context(), Request{Kind: Code}); !errors.As(err, &e) {
		t.Errorf("with nobody to ask: %v", err)
	}
	if _, err := yubikey.Ask(t.Context(), nobody, Request{Kind: Code}); !errors.Is(err, errNoKeys) {
		t.Errorf("without a prompter: %v", err)
	}
}

func TestReads(t *testing.T) {
	for name, want := range map[string]bool{"yubikey": true, "ykman": true, "terminal": false, "": false, "x": false} {
		if Reads(name) != want {
			t.Errorf("%q reads: %v", name, !want)
		}
	}
	if !strings.Contains(strings.Join(names(Drivers()), " "), "ykman yubikey") {
		t.Error("yubikey is no driver of this system")
	}
}
