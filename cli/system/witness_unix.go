//go:build unix

package system

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A witness is a process in the process group of this process. It shows whether a signal was sent to the whole group
// or only to this process. A signal to the group, for example from Ctrl-C, also ends the witness. A signal that
// kill(1) sends to this process does not. Go does not report who has sent a signal. A nil witness reports that each
// signal was sent to the group.
type witness struct {
	pid  int
	pipe *os.File // the other end is cat's stdin; cat ends when this end is closed, so it never outlives this process
}

// startWitness starts cat as a witness. It returns nil if that fails.
func startWitness() *witness {
	stdin, pipe, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer stdin.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		pipe.Close()
		return nil
	}
	defer null.Close()
	pid, _, err := syscall.StartProcess("/bin/cat", []string{"cat"}, &syscall.ProcAttr{Dir: "/", Files: []uintptr{stdin.Fd(), null.Fd(), null.Fd()}})
	if err != nil {
		pipe.Close()
		return nil
	}
	return &witness{pid, pipe}
}

// witnessDelay is how long a signal to the group may take until it has also ended the witness.
const witnessDelay = 50 * time.Millisecond

// saw ends the witness. It reports whether the signal s, which this process has received, had already ended the
// witness.
func (w *witness) saw(s syscall.Signal) bool {
	if w == nil {
		return true
	}
	time.Sleep(witnessDelay)
	return w.end() == s
}

// end ends the witness and returns the signal that has ended it.
func (w *witness) end() syscall.Signal {
	if w == nil {
		return 0
	}
	unix.Kill(w.pid, unix.SIGKILL) // this has no effect on a process that another signal is ending
	w.pipe.Close()
	for {
		var status unix.WaitStatus
		switch _, err := unix.Wait4(w.pid, &status, 0, nil); {
		case err == unix.EINTR:
		case err != nil || !status.Signaled():
			return 0
		default:
			return status.Signal()
		}
	}
}
