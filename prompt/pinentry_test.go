package prompt

import (
	"errors"
	"strings"
	"testing"
)

func TestPinentryCommands(t *testing.T) {
	w := newFakeEnv(t)
	w.tty = &fakeTTY{}
	for name, value := range map[string]string{"TERM": "xterm", "LANG": "C", "LC_CTYPE": "de_DE.UTF-8", "DISPLAY": ":0"} {
		w.vars[name] = value
	}
	r := Request{Kind: Code, Text: "code for 100%", RetryReason: "AWS refused that code", Program: "terraform"}
	want := "OPTION ttyname=" + controllingTerminal + "\nOPTION ttytype=xterm\nOPTION lc-ctype=de_DE.UTF-8\nOPTION display=:0\n" +
		"SETTITLE aws-vault\nSETERROR AWS refused that code\nSETDESC requested by terraform%0Acode for 100%25\n" +
		"SETPROMPT code:\nGETPIN\n"
	if controllingTerminal == "" {
		want = strings.TrimPrefix(want, "OPTION ttyname=\n")
	}
	if got := strings.Join(pinentryCommands(w.env(), r), ""); got != want {
		t.Errorf("pinentry received\n%swant\n%s", got, want)
	}
	w = newFakeEnv(t)
	w.vars["GPG_TTY"] = "/dev/pts/7"
	want = "OPTION ttyname=/dev/pts/7\nSETTITLE aws-vault\nSETDESC sure?\nCONFIRM\n"
	if got := strings.Join(pinentryCommands(w.env(), Request{Kind: Confirm, Text: "sure?"}), ""); got != want {
		t.Errorf("pinentry received\n%swant\n%s", got, want)
	}
}

func TestPinentryAnswers(t *testing.T) {
	const set = "OK hello\nERR 83886254 Unknown option\nOK\nOK\n" // the greeting and three replies
	broken := &AssuanError{Code: 83918950, Text: "Inappropriate ioctl for device"}
	for name, c := range map[string]struct {
		kind   Kind
		out    string
		fails  error
		want   string
		err    error
		reason string
	}{
		"secret":         {kind: Secret, out: set + "OK\nD 50%25 %0A\nOK\nOK bye\n", want: "50% \n"},
		"empty":          {kind: Passphrase, out: set + "OK\nOK\n"},
		"cancelled":      {kind: Secret, out: set + "OK\nERR 83886179 cancelled\n", err: ErrCancelled},
		"closed":         {kind: Code, out: set + "OK\nERR 83886278 fully cancelled\n", err: ErrCancelled},
		"no terminal":    {kind: Code, out: set + "OK\nERR 83918950 Inappropriate ioctl for device\n", reason: broken.Error()},
		"yes":            {kind: Confirm, out: set + "OK\n", want: "y"},
		"no":             {kind: Confirm, out: set + "ERR 83886194 not confirmed\n"},
		"no by escape":   {kind: Confirm, out: set + "ERR 83886179 cancelled\n"},
		"not by error":   {kind: Confirm, out: set + "ERR 83918950 Inappropriate ioctl for device\n", reason: broken.Error()},
		"ended early":    {kind: Secret, out: "OK\n", err: errAssuanShort},
		"fails":          {kind: Secret, fails: failed(2, ""), reason: "program: exit status 2"},
		"not a pinentry": {kind: Secret, out: "usage: pinentry\n", reason: "the program wrote a line that is not part of the Assuan protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFakeEnv(t)
			w.vars["GPG_TTY"] = "/dev/pts/7"
			w.programs, w.outputs, w.errs = []string{"pinentry"}, []string{c.out}, []error{c.fails}
			got, err := pinentry.Ask(t.Context(), w.env(), Request{Kind: c.kind, Text: "question"})
			if c.reason != "" {
				if err == nil || err.Error() != c.reason {
					t.Errorf("the answer is %q, %v, want %s", got, err, c.reason)
				}
				return
			}
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("the answer is %q, %v, want %q, %v", got, err, c.want, c.err)
			}
			if strings.Contains(strings.Join(w.ran[0], " "), "question") {
				t.Errorf("the question is in argv: %q", w.ran[0])
			}
		})
	}
}

func TestPinentryWorks(t *testing.T) {
	for name, c := range map[string]struct {
		programs []string
		out      string
		fails    error
		gpgTTY   string
		tty      TTY
		err      string
	}{
		"window":                {programs: []string{"pinentry"}, out: "OK\nD qt\nOK\n"},
		"pinentry-mac":          {programs: []string{"pinentry-mac"}, out: "OK\nD mac\nOK\n"},
		"too old for GETINFO":   {programs: []string{"pinentry"}, out: "OK\nERR 83886355 unknown command\nOK\n"},
		"terminal, named":       {programs: []string{"pinentry"}, out: "OK\nD curses\nOK\n", gpgTTY: "/dev/pts/7"},
		"terminal":              {programs: []string{"pinentry"}, out: "OK\nD tty\nOK\n", tty: &fakeTTY{}},
		"no terminal":           {programs: []string{"pinentry"}, out: "OK\nD curses\nOK\n", err: "pinentry (flavor curses) needs a terminal: no controlling terminal"},
		"fallback, no terminal": {programs: []string{"pinentry"}, out: "OK\nD gnome3:curses\nOK\n", err: "pinentry (flavor gnome3:curses) needs a terminal: no controlling terminal"},
		"no program":            {err: `exec: "pinentry": executable file not found in $PATH`},
		"fails":                 {programs: []string{"pinentry"}, fails: failed(127, "libX11 is missing"), err: "program: exit status 127: libX11 is missing"},
		"another program":       {programs: []string{"pinentry"}, out: "hello\n", err: "the program wrote a line that is not part of the Assuan protocol"},
		"no output":             {programs: []string{"pinentry"}, err: errAssuanShort.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFakeEnv(t)
			w.programs, w.outputs, w.errs, w.tty = c.programs, []string{c.out}, []error{c.fails}, c.tty
			if c.gpgTTY != "" {
				w.vars["GPG_TTY"] = c.gpgTTY
			}
			err := pinentry.Works(w.env())
			// Do not compare expected texts that start with "exec:": on Windows, the error for a missing program
			// has a different text.
			if err == nil && c.err != "" || err != nil && !strings.HasPrefix(c.err, "exec:") && err.Error() != c.err {
				t.Errorf("the error is %v, want %q", err, c.err)
			}
		})
	}
	if _, err := pinentry.Ask(t.Context(), newFakeEnv(t).env(), Request{}); err == nil {
		t.Error("pinentry asks without its program")
	}
}
