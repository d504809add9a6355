package system

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func TestShell(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the lines are a POSIX shell's")
	}
	for _, tt := range []struct{ name, line, want, err string }{
		{"answer", `printf "%s" "$X y"`, "x y", ""},
		{"stdin is not inherited", "cat </dev/null", "", ""},
		{"failure", "exit 3", "", "exit status 3"},
		{"too much", "head -c 200 /dev/zero", "", "the output is longer than 100 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := shell(t.Context(), nil, tt.line, append(os.Environ(), "X=x"), 100)
			if string(out) != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

// TestShellCancelled cancels the context of shell while the program runs. shell must return the cause of the
// cancellation.
func TestShellCancelled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the lines are a POSIX shell's")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("gave up")
	running := filepath.Join(t.TempDir(), "running") // the program creates this file
	go func() {
		for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			if _, err := os.Stat(running); err == nil {
				cancel(gaveUp)
			}
		}
	}()
	environ := append(os.Environ(), "RUNNING="+running)
	if _, err := shell(ctx, nil, `: >"$RUNNING"; exec sleep 60`, environ, 100); !errors.Is(err, gaveUp) {
		t.Errorf("error %v, want the cause of the context", err)
	}
}
