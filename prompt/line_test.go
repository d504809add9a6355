package prompt

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// A fakeTTY is a terminal in memory.
type fakeTTY struct {
	keys     string // the keys that the user will press
	shown    strings.Builder
	raw      bool
	restored int
	discards int
	closed   bool
	keysErr  error // error that EnableKeys returns
}

func (t *fakeTTY) EnableKeys() error { t.raw = true; return t.keysErr }

// redrawKey is a key for which ReadKey returns ErrRedraw.
const redrawKey = 0xff

func (t *fakeTTY) ReadKey(ctx context.Context) (byte, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if t.keys == "" {
		return 0, io.EOF
	}
	b := t.keys[0]
	t.keys = t.keys[1:]
	if b == redrawKey {
		return 0, ErrRedraw
	}
	return b, nil
}

func (t *fakeTTY) Write(_ context.Context, s string) error { t.shown.WriteString(s); return nil }

func (t *fakeTTY) Restore(discard bool) error {
	t.raw = false
	t.restored++
	if discard {
		t.discards++
	}
	return nil
}

func (t *fakeTTY) Close() error { t.closed = true; return nil }

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", maxAnswer)
	for name, c := range map[string]struct {
		keys  string
		echo  echo
		want  string
		shown string
		left  string
	}{
		"plain":                    {"abc\r", echoPlain, "abc", "abc", ""},
		"line feed ends too":       {"abc\nrest", echoPlain, "abc", "abc", "rest"},
		"stars":                    {"aé\r", echoStars, "aé", "**", ""},
		"nothing":                  {"abc\x7f\r", echoNothing, "ab", "", ""},
		"backspace":                {"ab\x08c\r", echoPlain, "ac", "ab\b \bc", ""},
		"backspace at the start":   {"\x7f\x7fa\r", echoStars, "a", "*", ""},
		"backspace over é":         {"é\x7f\r", echoStars, "", "*\b \b", ""},
		"backspace over half an é": {"\xa9\x7fa\r", echoStars, "a", "*", ""},
		"kill of half an é":        {"\xa9\xa9\x15a\r", echoPlain, "a", "\xa9\xa9a", ""},
		"kill":                     {"abc\x15d\r", echoStars, "d", "***\b \b\b \b\b \b*", ""},
		"word":                     {"ab cd  \x17e\r", echoPlain, "ab e", "ab cd  " + strings.Repeat("\b \b", 4) + "e", ""},
		"word of a secret":         {"ab cd\x17e\r", echoStars, "e", "*****" + strings.Repeat("\b \b", 5) + "*", ""},
		"tab":                      {"a\tb\r", echoPlain, "a\tb", "a b", ""},
		"control characters":       {"a\x00\x01\x1ab\r", echoPlain, "ab", "ab", ""},
		"end of file is not first": {"a\x04b\r", echoPlain, "ab", "ab", ""},
		"arrow":                    {"a\x1b[Db\r", echoPlain, "ab", "ab", ""},
		"function key":             {"a\x1bOP\x1b[15~b\r", echoPlain, "ab", "ab", ""},
		"bracketed paste":          {"\x1b[200~abc\x1b[201~\r", echoStars, "abc", "***", ""},
		"alt":                      {"\x1bxa\r", echoPlain, "a", "a", ""},
		"escape, then enter":       {"a\x1b\r", echoPlain, "a", "a", ""},
		"half a sequence":          {"a\x1b[1\rb", echoPlain, "a", "a", "b"},
		"stopped and continued":    {"ab\xffc\r", echoStars, "abc", "**\nquestion: ***", ""},
		"too long by some":         {long + "yz\r", echoNothing, long + "y", "", ""},
		"too long, then killed":    {long + "yz\x15a\r", echoNothing, "a", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tty := &fakeTTY{keys: c.keys}
			got, err := readLine(t.Context(), tty, "question: ", c.echo)
			if err != nil || got != c.want {
				t.Errorf("the line is %q, %v, want %q", got, err, c.want)
			}
			if shown := tty.shown.String(); shown != "question: "+c.shown {
				t.Errorf("the terminal shows %q, want %q after the question", shown, c.shown)
			}
			if tty.keys != c.left {
				t.Errorf("the unread input is %q, want %q", tty.keys, c.left)
			}
		})
	}
}

func TestReadLineCancelled(t *testing.T) {
	for _, keys := range []string{"\x03", "abc\x03", "\x04", "abc\x15\x04", "", "abc"} {
		if got, err := readLine(t.Context(), &fakeTTY{keys: keys}, "", echoPlain); !errors.Is(err, ErrCancelled) || got != "" {
			t.Errorf("keys %q: the answer is %q, %v, want %v", keys, got, err, ErrCancelled)
		}
	}
}

// FuzzReadLine types random keys. It checks that the length of the answer is limited, that a hidden answer is not
// shown, and that no escape sequence is written to the terminal.
func FuzzReadLine(f *testing.F) {
	for _, keys := range []string{"abc\r", "aé\x7f\x15\r", "\x1b[200~x\x1b[201~\r", "\xffa\xc3\r", "\xa9\x7f\r", "a b\x17\x04\x03"} {
		f.Add(keys)
	}
	f.Fuzz(func(t *testing.T, keys string) {
		for _, e := range []echo{echoPlain, echoStars, echoNothing} {
			tty := &fakeTTY{keys: keys}
			got, err := readLine(t.Context(), tty, "?", e)
			if err != nil && !errors.Is(err, ErrCancelled) {
				t.Fatalf("keys %q: the error is %v, want none or %v", keys, err, ErrCancelled)
			}
			if len(got) > maxAnswer+1 || strings.ContainsAny(got, "\r\n\x1b") {
				t.Fatalf("keys %q: the answer is %q", keys, got)
			}
			shown := tty.shown.String()
			if strings.Contains(shown, "\x1b") {
				t.Fatalf("keys %q: the terminal shows %q, want no escape", keys, shown)
			}
			if e == echoStars && erasesQuestion(shown) {
				t.Fatalf("keys %q: the terminal shows %q, want an unchanged question", keys, shown)
			}
			if e != echoPlain && strings.Trim(shown, "?*\b \n") != "" {
				t.Fatalf("keys %q: the terminal shows %q, want only stars", keys, shown)
			}
		}
	})
}

func TestAskTerminal(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		tty      fakeTTY
		request  Request
		want     string
		err      error
		discards int
	}{
		"answered":             {fakeTTY{keys: "abc\r"}, Request{Kind: Secret}, "abc", nil, 0},
		"code cancelled":       {fakeTTY{keys: "\x04"}, Request{Kind: Code}, "", ErrCancelled, 0},
		"secret cancelled":     {fakeTTY{keys: "abc"}, Request{Kind: Secret}, "", ErrCancelled, 1},
		"passphrase cancelled": {fakeTTY{keys: "abc"}, Request{Kind: Passphrase}, "", ErrCancelled, 1},
		"EnableKeys fails":     {fakeTTY{keysErr: broken}, Request{Kind: Line}, "", broken, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tty := c.tty
			env := Env{OpenTTY: func() (TTY, error) { return &tty, nil }}
			got, err := askTerminal(t.Context(), env, c.request)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("the answer is %q, %v, want %q, %v", got, err, c.want, c.err)
			}
			if c.tty.keysErr == nil && tty.restored != 1 || tty.discards != c.discards || !tty.closed {
				t.Errorf("the terminal was restored %d times, cleared %d times, closed: %v", tty.restored, tty.discards, tty.closed)
			}
		})
	}
}

// TestSignalsCaughtBeforeTerminalChanges checks that CatchSignals is called before the terminal's settings are
// changed. Otherwise a signal could end the process, and the settings would not be restored.
func TestSignalsCaughtBeforeTerminalChanges(t *testing.T) {
	for name, ask := range map[string]func(context.Context, Env) error{
		"a question": func(ctx context.Context, env Env) error {
			_, err := askTerminal(ctx, env, Request{Kind: Secret})
			return err
		},
		"a choice": func(ctx context.Context, env Env) error {
			_, err := Pick(ctx, env, Choice{Names: []string{"a"}})
			return err
		},
	} {
		tty := &fakeTTY{keys: "a\r"}
		unchanged := false
		env := Env{OpenTTY: func() (TTY, error) { return tty, nil }, CatchSignals: func() { unchanged = !tty.raw }}
		if err := ask(t.Context(), env); err != nil || !unchanged || tty.restored == 0 {
			t.Errorf("%s: error %v, terminal unchanged at CatchSignals: %v, restored %d times", name, err, unchanged, tty.restored)
		}
	}
}

// erasesQuestion reports whether a backspace moves the cursor into the question "?".
func erasesQuestion(shown string) bool {
	column := 0
	for _, c := range shown {
		switch c {
		case '\n':
			column = 0
		case '\b':
			column--
		default:
			column++
		}
		if column < 1 && c == '\b' {
			return true
		}
	}
	return false
}
