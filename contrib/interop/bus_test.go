//go:build interop && linux

package interop

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestNoBus runs aws-vault without a session bus, on a machine where dbus-launch could start a bus. aws-vault must not
// start one.
func TestNoBus(t *testing.T) {
	w := newWorld(t, "file", passphrase)

	// First check that processesOf finds a bus that dbus-launch has started. Otherwise the last check could not fail.
	launched := w.input("", "dbus-launch")
	if !slices.Contains(processesOf(t, w.home), "dbus-daemon") {
		t.Error("the bus that dbus-launch started is not among the processes")
	}
	w.end(launched)
	w.alone()

	w.vault("--version")
	w.add(w.Key)
	w.exec("true")
	w.calls(chain...)
	w.vault("list")
	w.alone()
}

// end ends a session bus. The argument launched is the output of dbus-launch, which contains the process id of the
// bus.
func (w *world) end(launched string) {
	w.t.Helper()
	for line := range strings.Lines(launched) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "DBUS_SESSION_BUS_PID=")
		if !ok {
			continue
		}
		pid, err := strconv.Atoi(text)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.t.Fatalf("dbus-launch named no process: %s", launched)
}
