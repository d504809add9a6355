package prompt

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var aliceRequest = Request{Text: `MFA code for a_b\n <b>"alice"`, RetryReason: "AWS refused that code"}

func (r Request) withKind(k Kind) Request { r.Kind = k; return r }

func TestDialogArguments(t *testing.T) {
	const (
		entry = "--text=AWS refused that code\n" + `MFA code for a__b\\n <b>"alice"`
		rich  = `<qt>AWS refused that code<br/>MFA code for a_b\\n &lt;b&gt;&#34;alice&#34;</qt>`
	)
	for _, c := range []struct {
		driver Driver
		kind   Kind
		want   []string
	}{
		{zenity, Code, []string{"/bin/zenity", "--entry", "--title=aws-vault", entry}},
		{zenity, Secret, []string{"/bin/zenity", "--entry", "--title=aws-vault", entry, "--hide-text"}},
		{zenity, Confirm, []string{"/bin/zenity", "--question", "--no-markup", "--default-cancel", "--title=aws-vault",
			"--text=" + aliceRequest.message()}},
		{kdialog, Line, []string{"/bin/kdialog", "--title", "aws-vault", "--inputbox", rich}},
		{kdialog, Passphrase, []string{"/bin/kdialog", "--title", "aws-vault", "--password", rich}},
		{kdialog, Confirm, []string{"/bin/kdialog", "--title", "aws-vault", "--yesno", rich}},
	} {
		w := newFakeEnv(t)
		w.vars["DISPLAY"] = ":0"
		w.programs = []string{c.driver.Name}
		w.outputs = []string{"answer\n"}
		if _, err := c.driver.Ask(t.Context(), w.env(), aliceRequest.withKind(c.kind)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.ran[0], c.want) {
			t.Errorf("%s asked for a %s with\n%q, want\n%q", c.driver.Name, c.kind, w.ran[0], c.want)
		}
		if w.stdin[0] == nil {
			t.Errorf("%s got the terminal, want no terminal", c.driver.Name)
		}
	}
}

func TestDialogAnswers(t *testing.T) {
	aborted, lost := failed(134, ""), failed(1, "Gtk-WARNING: cannot open display: :9")
	for _, c := range []struct {
		driver Driver
		kind   Kind
		output string
		fails  error
		want   string
		err    error
	}{
		{zenity, Secret, " a b \n", nil, " a b ", nil},
		{zenity, Line, "a\r\n", nil, "a", nil},
		{zenity, Line, "", failed(1, ""), "", ErrCancelled},
		{zenity, Line, "", lost, "", lost},
		{zenity, Line, "", aborted, "", aborted},
		{zenity, Confirm, "", nil, "y", nil},
		{zenity, Confirm, "", failed(1, ""), "", nil},
		{zenity, Confirm, "", lost, "", lost},
		{kdialog, Secret, "a\n", nil, "a", nil},
		{kdialog, Secret, "", failed(1, ""), "", ErrCancelled},
		{kdialog, Secret, "", aborted, "", aborted},
		{kdialog, Confirm, "", nil, "y", nil},
		{kdialog, Confirm, "", failed(1, ""), "", nil},
		{osascript, Secret, "answer: a:b \n", nil, " a:b ", nil},
		{osascript, Secret, "cancelled\n", nil, "", ErrCancelled},
		{osascript, Secret, "", aborted, "", aborted},
		{osascript, Secret, "", nil, "", errNoDialogAnswer},
		{osascript, Confirm, "answer:\n", nil, "y", nil},
		{osascript, Confirm, "cancelled\n", nil, "", nil},
	} {
		w := newFakeEnv(t)
		w.vars["WAYLAND_DISPLAY"] = "wayland-0"
		w.programs = []string{c.driver.Name}
		w.outputs, w.errs = []string{c.output}, []error{c.fails}
		got, err := c.driver.Ask(t.Context(), w.env(), Request{Kind: c.kind, Text: "question"})
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: the answer to a %s after output %q and error %v is %q, %v, want %q, %v", c.driver.Name, c.kind, c.output, c.fails, got, err, c.want, c.err)
		}
	}
}

func TestDialogsWork(t *testing.T) {
	for _, d := range []Driver{zenity, kdialog} {
		w := newFakeEnv(t)
		w.programs = []string{d.Name}
		if err := d.Works(w.env()); err != errNoDisplay {
			t.Errorf("without a display, %s.Works returned %v, want %v", d.Name, err, errNoDisplay)
		}
		if _, err := d.Ask(t.Context(), w.env(), Request{}); err != errNoDisplay {
			t.Errorf("without a display, %s.Ask returned %v, want %v", d.Name, err, errNoDisplay)
		}
		w.vars["DISPLAY"] = ":0"
		if err := d.Works(w.env()); err != nil {
			t.Errorf("%s does not work: %v", d.Name, err)
		}
		w.programs = nil
		if err := d.Works(w.env()); err == nil {
			t.Errorf("%s works without its program", d.Name)
		}
	}
}

func TestKDialogRequiresKDE(t *testing.T) {
	for desktop, want := range map[string]error{"KDE": nil, "KDE:plasma": nil, "ubuntu:GNOME": errNotKDE, "NOTKDE": errNotKDE, "": errNotKDE} {
		w := newFakeEnv(t)
		w.vars["XDG_CURRENT_DESKTOP"] = desktop
		if err := kdialog.suitable(w.env()); err != want {
			t.Errorf("on desktop %q, the error is %v, want %v", desktop, err, want)
		}
	}
}

func TestOSAScriptWorks(t *testing.T) {
	for _, c := range []struct {
		programs []string
		session  string
		fails    error
		want     bool
	}{
		{[]string{"osascript", "launchctl"}, "Aqua\n", nil, true},
		{[]string{"osascript", "launchctl"}, "Background\n", nil, false},
		{[]string{"osascript", "launchctl"}, "", failed(1, ""), false},
		{[]string{"osascript"}, "Aqua\n", nil, false},
		{nil, "Aqua\n", nil, false},
	} {
		w := newFakeEnv(t)
		w.programs, w.outputs, w.errs = c.programs, []string{c.session}, []error{c.fails}
		if err := osascript.Works(w.env()); (err == nil) != c.want {
			t.Errorf("with %s in session %q: %v, want it to work: %v", c.programs, c.session, err, c.want)
		}
	}
	if _, err := osascript.Ask(t.Context(), newFakeEnv(t).env(), Request{}); err == nil {
		t.Error("osascript asks without its program")
	}
}

// TestOSAScriptText checks that a name from the config file cannot end the string literal that contains it, and
// that the name is not in the command line.
func TestOSAScriptText(t *testing.T) {
	w := newFakeEnv(t)
	w.programs, w.outputs = []string{"osascript"}, []string{"answer:a\n"}
	r := Request{Kind: Passphrase, Text: `a" & (do shell script "id") & "\`, RetryReason: "again"}
	if _, err := osascript.Ask(t.Context(), w.env(), r); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/bin/osascript", "-"}; !slices.Equal(w.ran[0], want) {
		t.Errorf("argv is %q, want %q", w.ran[0], want)
	}
	script := string(w.stdin[0])
	for _, want := range []string{
		`display dialog "again\na\" & (do shell script \"id\") & \"\\" with title "aws-vault" default answer ""`,
		"with hidden answer\n",
		`return "answer:" & text returned of reply`,
		"on error number -128\n",
	} {
		if !strings.Contains(script, want) {
			t.Errorf("the script does not contain %s:\n%s", want, script)
		}
	}
	if got := osascriptText(r.withKind(Confirm)); strings.Contains(got, "hidden") || !strings.Contains(got, `default button "No"`) {
		t.Errorf("the confirmation script is\n%s", got)
	}
}
