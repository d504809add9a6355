package prompt

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func failWith(reason error) func(Env) error { return func(Env) error { return reason } }

func TestChoose(t *testing.T) {
	broken := errors.New("broken")
	works := failWith(nil)
	drivers := []Driver{
		{Name: "first", Works: failWith(broken)},
		{Name: "picky", Works: works, suitable: failWith(errNotKDE)},
		{Name: "device", Works: works, Device: true},
		{Name: "second", Works: works},
		{Name: "third", Works: works},
	}
	for _, c := range []struct {
		drivers []Driver
		name    string
		want    string
		err     string
	}{
		{drivers, "", "second", ""},
		{drivers, "picky", "picky", ""},
		{drivers, "device", "device", ""},
		{drivers, "third", "third", ""},
		{drivers, "first", "", "cannot prompt with first: broken"},
		{drivers[:3], "", "", "cannot prompt: first: broken; picky: the desktop is not KDE"},
		{drivers[:2], "pass", "", `unknown prompt driver "pass", expected one of first, picky`},
	} {
		p, err := chooseFrom(c.drivers, Env{}, c.name, Options{})
		if err != nil {
			if err.Error() != c.err {
				t.Errorf("choosing %q failed with %q, want %q", c.name, err, c.err)
			}
			continue
		}
		if got := p.(*prompter).driver.Name; got != c.want {
			t.Errorf("choosing %q returned %s, want %s %s", c.name, got, c.want, c.err)
		}
	}
	_, err := chooseFrom(drivers[:1], Env{}, "", Options{})
	var none *NoDriverError
	if !errors.As(err, &none) || !errors.Is(err, broken) || none.Tried[0].Driver != "first" {
		t.Errorf("the error is %#v, want a NoDriverError with the reason", err)
	}
}

// TestDeviceAnswersCodesOnly checks that the default driver is used for a question that the requested device
// cannot answer.
func TestDeviceAnswersCodesOnly(t *testing.T) {
	key := &stubDriver{answers: []string{"123456"}, device: true}
	user := &stubDriver{answers: []string{"AKIAIOSFODNN7EXAMPLE", "y"}}
	device, other := key.driver(), user.driver()
	device.Name = "key"
	p, err := chooseFrom([]Driver{device, other}, Env{}, "key", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind Kind
		want string
	}{{Line, "AKIAIOSFODNN7EXAMPLE"}, {Code, "123456"}, {Confirm, "y"}} {
		if got, err := p.Ask(t.Context(), Request{Kind: c.kind}); got != c.want || err != nil {
			t.Errorf("the answer to a %s is %q, %v, want %q", c.kind, got, err, c.want)
		}
	}
	alone, err := chooseFrom([]Driver{device}, Env{}, "key", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var none *NoDriverError
	if _, err := alone.Ask(t.Context(), Request{Kind: Line}); !errors.As(err, &none) {
		t.Errorf("the error is %v, want a NoDriverError", err)
	}
}

// TestTerminalBusy checks that no driver uses the terminal while another program uses it.
func TestTerminalBusy(t *testing.T) {
	w := newFakeEnv(t)
	w.tty = &fakeTTY{keys: "abc\r"}
	w.vars["GPG_TTY"] = "/dev/pts/1"
	w.programs = []string{"pinentry"}
	w.outputs = []string{"OK\nD gtk2:curses\nOK\n"}
	_, err := chooseFrom([]Driver{terminal, pinentry}, w.env(), "", Options{TerminalBusy: true})
	var none *NoDriverError
	if !errors.As(err, &none) || !errors.Is(none.Tried[0].Err, ErrTerminalBusy) || !errors.Is(none.Tried[1].Err, ErrTerminalBusy) {
		t.Errorf("the error is %v, want %v for both drivers", err, ErrTerminalBusy)
	}
	p, err := chooseFrom([]Driver{terminal, pinentry}, w.env(), "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Ask(t.Context(), Request{Kind: Line}); got != "abc" || err != nil {
		t.Errorf("the answer is %q, %v, want abc", got, err)
	}
}

// TestTerminalBusyForPrograms checks that ykman is started without the terminal while another program uses the
// terminal.
func TestTerminalBusyForPrograms(t *testing.T) {
	w := newFakeEnv(t)
	w.programs, w.outputs = []string{"ykman"}, []string{"123\n", "123456\n"}
	p, err := chooseFrom([]Driver{ykman}, w.env(), "ykman", Options{TerminalBusy: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Ask(t.Context(), Request{Kind: Code, Device: serial}); got != "123456" || err != nil {
		t.Errorf("the answer is %q, %v", got, err)
	}
	if w.stdin[1] == nil {
		t.Error("ykman got the terminal")
	}
}

func TestNoControllingTerminal(t *testing.T) {
	_, err := chooseFrom([]Driver{terminal}, newFakeEnv(t).env(), "terminal", Options{})
	if err == nil || err.Error() != "cannot prompt with terminal: no controlling terminal" {
		t.Errorf("the error is %v", err)
	}
}

// TestDrivers checks that driver names are unique and that the terminal comes first.
func TestDrivers(t *testing.T) {
	all := names(Drivers())
	if all[0] != "terminal" || !slices.Contains(all, "ykman") {
		t.Errorf("the drivers are %s, want the terminal first, and ykman", all)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != len(Drivers()) {
		t.Errorf("%s has a duplicate name", all)
	}
	for _, d := range Drivers() {
		if d.Works == nil || d.Ask == nil || d.Name != strings.ToLower(d.Name) {
			t.Errorf("driver %q is incomplete", d.Name)
		}
	}
	var unknown *UnknownDriverError
	if _, err := Choose(newFakeEnv(t).env(), "pass", Options{}); !errors.As(err, &unknown) || unknown.Name != "pass" {
		t.Errorf("the error is %v, want an UnknownDriverError", err)
	}
}
