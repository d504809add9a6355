//go:build interop && linux

package interop

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestNoBus runs aws-vault without a session bus, while dbus-launch could start one.
func TestNoBus(t *testing.T) {
	w := newWorld(t, "file", passphrase)

	// The test notices a bus that somebody starts.
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

// end ends the bus whose process id dbus-launch printed.
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
