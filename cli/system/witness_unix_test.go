//go:build unix

package system

import (
	"errors"
	"syscall"
	"testing"
)

// TestWitness checks that a witness tells a signal that it has received too from a signal that only this process has
// received.
func TestWitness(t *testing.T) {
	for name, tt := range map[string]struct {
		sent syscall.Signal // the signal that ends the witness; 0 for none
		saw  bool
	}{
		"the whole group":   {syscall.SIGINT, true},
		"only this process": {0, false},
		"another signal":    {syscall.SIGHUP, false},
	} {
		w := startWitness()
		if w == nil {
			t.Fatal("no witness was started")
		}
		if tt.sent != 0 {
			if err := syscall.Kill(w.pid, tt.sent); err != nil {
				t.Fatal(err)
			}
		}
		if saw := w.saw(syscall.SIGINT); saw != tt.saw {
			t.Errorf("%s: the witness saw SIGINT: %v, want %v", name, saw, tt.saw)
		}
		if err := syscall.Kill(w.pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s: the witness still runs: %v", name, err)
		}
	}
	var none *witness
	if !none.saw(syscall.SIGINT) {
		t.Error("without a witness, a signal counts as sent to this process alone")
	}
}
