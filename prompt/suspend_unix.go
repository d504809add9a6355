//go:build unix

package prompt

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// disableStopKey disables the stop key, which is Ctrl-Z or another key that the user has configured. The key is
// then read as a byte. disableStopKey returns this byte. The result enabled is false if there was no stop key, or if
// the process ignores SIGTSTP.
//
// When the process reads this byte, it restores the terminal's settings and stops itself with SIGTSTP. The process
// must not catch SIGTSTP instead: after a Go program has called signal.Notify for SIGTSTP, this signal no longer
// stops the program.
func disableStopKey(keys *unix.Termios) (key byte, enabled bool) {
	key = keys.Cc[unix.VSUSP]
	enabled = key != noKeyAssigned && !signal.Ignored(unix.SIGTSTP)
	keys.Cc[unix.VSUSP] = noKeyAssigned
	return key, enabled
}

// suspend restores the terminal's original settings and stops the process. When the process continues, suspend
// sets up the terminal again and returns.
func (t *tty) suspend() error {
	if err := t.set(termiosWrite, &t.original); err != nil {
		return err
	}
	if err := unix.Kill(0, unix.SIGTSTP); err != nil {
		return err
	}
	// The kernel does not stop a process that no shell could continue, so wait only for a limited time. If the process
	// is stopped later, SIGCONT still makes us set up the terminal again.
	limit := unix.NsecToTimeval(100e6)
	if _, err := t.waitReady(false, &limit); err != nil {
		return err
	}
	return t.set(termiosWrite, &t.keys)
}

// watchContinue calls the function f each time the process continues after a stop, until the function stop is called.
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
