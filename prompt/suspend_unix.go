//go:build unix

package prompt

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// disableStopKey makes Ctrl-Z, or the stop key that the user configured, readable as a byte, and returns
// that byte.
//
// The process stops itself instead of catching SIGTSTP: after a Go program has called signal.Notify for
// SIGTSTP, that signal no longer stops it.
func disableStopKey(keys *unix.Termios) (key byte, enabled bool) {
	key = keys.Cc[unix.VSUSP]
	enabled = key != noKeyAssigned && !signal.Ignored(unix.SIGTSTP)
	keys.Cc[unix.VSUSP] = noKeyAssigned
	return key, enabled
}

// suspend stops the process with the terminal's original settings. It returns when the process
// continues, after it has enabled the keys again.
func (t *tty) suspend() error {
	if err := t.set(termiosWrite, &t.original); err != nil {
		return err
	}
	if err := unix.Kill(0, unix.SIGTSTP); err != nil {
		return err
	}
	// The kernel does not stop a process that no shell could continue. The time limit covers that case.
	// If the process is stopped later than this, SIGCONT still makes us set up the terminal again.
	limit := unix.NsecToTimeval(100e6)
	if _, err := t.waitReady(false, &limit); err != nil {
		return err
	}
	return t.set(termiosWrite, &t.keys)
}

// watchContinue calls f each time the process continues after a stop, until the returned function is
// called.
func watchContinue(f func()) (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, unix.SIGCONT)
	go func() {
		for {
			select {
			case <-signals:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}
