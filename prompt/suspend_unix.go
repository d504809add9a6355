//go:build unix

package prompt

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// disableStopKey hands us Ctrl-Z, or what the user has put in its place, as a byte, and returns that byte.
//
// We stop ourselves rather than catch SIGTSTP: once a Go program has asked for that signal, it never again stops by it.
func disableStopKey(keys *unix.Termios) (key byte, enabled bool) {
	key = keys.Cc[unix.VSUSP]
	enabled = key != noKeyAssigned && !signal.Ignored(unix.SIGTSTP)
	keys.Cc[unix.VSUSP] = noKeyAssigned
	return key, enabled
}

// suspend does what the stop key does, with the terminal as it was before the question, and returns when the process
// goes on, with Keys in force again.
func (t *tty) suspend() error {
	if err := t.set(termiosWrite, &t.original); err != nil {
		return err
	}
	if err := unix.Kill(0, unix.SIGTSTP); err != nil {
		return err
	}
	// The kernel does not stop a process that no shell could continue, and then nothing wakes us. Should the stop
	// come later than this, the signal that ends it sets the terminal all the same.
	limit := unix.NsecToTimeval(100e6)
	if _, err := t.waitReady(false, &limit); err != nil {
		return err
	}
	return t.set(termiosWrite, &t.keys)
}

// watchContinue calls f whenever the process goes on after a stop, until the function that it returns is called.
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
