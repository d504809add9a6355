package program

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("TEST_PRINT_LOCKS") != "" {
		os.Stdout.WriteString(os.Getenv(LocksVariable))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestParseLocks(t *testing.T) {
	for text, want := range map[string][]Lock{
		"":                          nil,
		"12:prompt 3:session-2f:1c": {{12, "prompt"}, {3, "session-2f:1c"}},
		" 1:a\n2:b\t":               {{1, "a"}, {2, "b"}},
		"a:b :c 1: 1 -1:d 0:e 9:f":  {{9, "f"}},
	} {
		got := ParseLocks(text)
		if !slices.Equal(got, want) {
			t.Errorf("%q has the locks %v, want %v", text, got, want)
		}
		if again := ParseLocks(FormatLocks(got)); !slices.Equal(again, got) {
			t.Errorf("%v became %v", got, again)
		}
	}
}

// TestCommandPassesLocks checks that a program receives the locks of the parent processes and the locks that its
// context records. It must receive no other locks.
func TestCommandPassesLocks(t *testing.T) {
	s := &Starter{ParentLocks: []Lock{{7, "session-1"}}}
	own := func(name string) string { return strconv.Itoa(os.Getpid()) + ":" + name }
	session := WithLock(t.Context(), "session-2")
	prompt := WithLock(session, "prompt")
	WithLock(session, "device-3")
	for _, c := range []struct {
		starter *Starter
		ctx     context.Context
		environ []string
		want    string
	}{
		{s, prompt, []string{"A=b", LocksVariable + "=1:old"}, "7:session-1 " + own("session-2") + " " + own("prompt")},
		{s, t.Context(), []string{}, "7:session-1"},
		{nil, session, nil, own("session-2")},
		{nil, t.Context(), []string{LocksVariable + "=1:old"}, ""},
	} {
		var got []string
		for _, kv := range c.starter.Command(c.ctx, c.environ, "program").Env {
			if value, ok := strings.CutPrefix(kv, LocksVariable+"="); ok {
				got = append(got, value)
			}
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("the program receives the locks %q, want %q", got, c.want)
		}
	}
	if env := s.Command(t.Context(), []string{"A=b"}, "program").Env; !slices.Contains(env, "A=b") {
		t.Errorf("the environment is %q", env)
	}
}

// TestStartByLibrary checks that the environment of this process contains the locks while a library starts a
// program, because the library passes this environment to the program.
func TestStartByLibrary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_PRINT_LOCKS", "1")
	locksOf := func(ctx context.Context) string {
		var out []byte
		err := StartByLibrary(ctx, func() (err error) {
			out, err = exec.Command(self).Output()
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return string(out)
	}
	held := WithLock(t.Context(), "session-2")
	own := strconv.Itoa(os.Getpid()) + ":session-2"
	os.Unsetenv(LocksVariable)
	if got := locksOf(held); got != own {
		t.Errorf("the program receives the locks %q, want %q", got, own)
	}
	if _, set := os.LookupEnv(LocksVariable); set {
		t.Error("the environment was not restored")
	}
	t.Setenv(LocksVariable, "7:session-1")
	if got, want := locksOf(held), "7:session-1 "+own; got != want {
		t.Errorf("the program receives the locks %q, want %q", got, want)
	}
	if got := locksOf(t.Context()); got != "7:session-1" {
		t.Errorf("without a lock, the program receives the locks %q", got)
	}
}

func TestPreventRecursion(t *testing.T) {
	var outer *Starter
	ctx, err := outer.PreventRecursion(t.Context(), "pass-show-1")
	if err != nil {
		t.Fatal(err)
	}
	inner := &Starter{ParentLocks: HeldLocks(ctx)}
	var running *RecursionError
	if _, err := inner.PreventRecursion(t.Context(), "pass-show-1"); !errors.As(err, &running) || running.Process != os.Getpid() {
		t.Errorf("starting the same program again returned %v", err)
	}
	if _, err := inner.PreventRecursion(t.Context(), "pass-show-2"); err != nil {
		t.Errorf("starting another program returned %v", err)
	}
}
