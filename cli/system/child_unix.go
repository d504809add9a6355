//go:build unix

package system

import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A child is a command that runs as a child process and shares the terminal.
//
// Usually the child leads its own process group. This group is the foreground group while the child runs, so
// Ctrl-C sends a signal to the child only. The child stays in the group of this process if this process is part of
// a pipeline or a script, or runs in the background. Other processes in the group then also need the terminal, and
// Ctrl-C sends a signal to all of them.
type child struct {
	pid      int
	group    int      // the process group of this process
	tty      int      // the controlling terminal; -1 if there is none
	ownGroup bool     // whether the child leads its own process group
	witness  *witness // nil if the child leads a group; while the child runs, only the method forward uses it

	mu          sync.Mutex
	hasTerminal bool // whether this process has made the child's group the foreground group
}

// run runs a command and returns its exit status, or 128 plus the signal number if a signal ended the command. It
// forwards signals to the command, and stops this process when the command stops. On systems that support it, the
// command is killed when this process dies.
func run(path string, argv, environ []string) (status int, err error) {
	// Linux kills the child when the thread that started it ends, so that thread must not end early.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := &child{group: unix.Getpgrp(), tty: -1}
	if tty, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0); err == nil {
		defer unix.Close(tty)
		c.tty = tty
	}
	c.hasTerminal = c.inForeground() && onlyMember(c.group)
	c.ownGroup = c.tty < 0 || c.hasTerminal
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwardedSignals()...)
	defer signal.Stop(signals)
	if !c.ownGroup {
		c.witness = startWitness()
	}
	attr := &syscall.SysProcAttr{Setpgid: c.ownGroup, Foreground: c.hasTerminal, Ctty: c.tty}
	KillWithParent(attr)
	c.pid, _, err = syscall.StartProcess(path, argv, &syscall.ProcAttr{Env: environ, Files: []uintptr{0, 1, 2}, Sys: attr})
	if err != nil {
		c.reclaimTerminal()
		c.witness.end()
		return 0, err
	}
	if c.ownGroup && c.tty >= 0 {
		defer IgnoreTerminalStops()()
	}
	done, forwarded := make(chan struct{}), make(chan struct{})
	defer func() {
		close(done)
		<-forwarded
		c.witness.end()
	}()
	go func() {
		defer close(forwarded)
		for {
			select {
			case s := <-signals:
				c.forward(s.(syscall.Signal))
			case <-done:
				return
			}
		}
	}()
	status, err = c.wait()
	c.reclaimTerminal()
	return status, err
}

// IgnoreTerminalStops ignores SIGTTIN and SIGTTOU until restore is called. Until then, this process is not stopped if
// it uses the terminal from the background. Programs that aws-vault starts run in their own session. Only age plugins
// do not, because a library starts them. If an age plugin reads the terminal, it gets an error.
func IgnoreTerminalStops() (restore func()) {
	var ours []os.Signal
	for _, s := range []os.Signal{unix.SIGTTIN, unix.SIGTTOU} {
		if !signal.Ignored(s) {
			ours = append(ours, s)
		}
	}
	if len(ours) == 0 {
		return func() {}
	}
	signal.Ignore(ours...)
	return func() { signal.Reset(ours...) }
}

// forwardedSignals returns the signals to forward to the command. It omits signals that this process ignores,
// because the command ignores them too. For example, nohup makes both ignore SIGHUP.
func forwardedSignals() []os.Signal {
	var all []os.Signal
	for _, s := range []syscall.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT} {
		if !signal.Ignored(s) {
			all = append(all, s)
		}
	}
	return all
}

// wait waits until the command ends and returns its exit status.
func (c *child) wait() (int, error) {
	for {
		var s unix.WaitStatus
		_, err := unix.Wait4(c.pid, &s, unix.WUNTRACED, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("wait4", err)
		case s.Exited():
			return s.ExitStatus(), nil
		case s.Signaled():
			return 128 + int(s.Signal()), nil
		case s.Stopped():
			c.followStop(s.StopSignal())
		}
	}
}

// forward sends the command a signal that this process has received.
func (c *child) forward(s syscall.Signal) {
	switch {
	case s == unix.SIGCONT:
		if c.ownGroup { // if the command is in this process's group, the command has received the signal too
			c.resume()
		}
	case !fromTerminal(s) || !c.inForeground():
		unix.Kill(c.pid, s)
	case c.ownGroup: // this process was brought to the foreground while the command ran
		unix.Kill(-c.pid, s)
	case s == unix.SIGWINCH: // the terminal has sent it to the command too
	case !c.witness.saw(s): // the signal was sent only to this process, for example by timeout --foreground
		unix.Kill(c.pid, s)
		c.witness = startWitness()
	default:
		c.witness = startWitness()
	}
}

// fromTerminal reports whether the terminal sends this signal to all processes of the foreground process group.
func fromTerminal(s syscall.Signal) bool {
	return s == unix.SIGINT || s == unix.SIGQUIT || s == unix.SIGHUP || s == unix.SIGWINCH
}

// followStop stops this process after the command has stopped. The shell then notices the stop and gets the terminal
// back.
func (c *child) followStop(by syscall.Signal) {
	if !c.ownGroup || c.tty < 0 {
		return // the signal has stopped this process too, or there is no terminal
	}
	c.reclaimTerminal()
	reading := by == unix.SIGTTIN || by == unix.SIGTTOU
	switch {
	case reading && c.inForeground(): // this process was brought to the foreground while the command ran
		c.resume()
	case !orphaned(c.group):
		unix.Kill(unix.Getpid(), unix.SIGTSTP) // when SIGCONT arrives, forward calls resume
	case by != unix.SIGSTOP:
		c.resume() // no shell could continue this process, so Ctrl-Z must not stop it
	}
}

// resume continues the command. If this process has the terminal, resume passes the terminal to the command.
func (c *child) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inForeground() && c.setForeground(c.pid) {
		c.hasTerminal = true
	}
	unix.Kill(-c.pid, unix.SIGCONT)
}

// reclaimTerminal makes this process's group the foreground group again. If this process has not made the child's
// group the foreground group, reclaimTerminal does nothing.
func (c *child) reclaimTerminal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasTerminal {
		c.setForeground(c.group)
	}
	c.hasTerminal = false
}

// inForeground reports whether this process's group is the foreground group of the terminal.
func (c *child) inForeground() bool {
	if c.tty < 0 {
		return false
	}
	group, err := unix.IoctlGetInt(c.tty, unix.TIOCGPGRP)
	return err == nil && group == c.group
}

// setForeground makes a process group the foreground group. It ignores SIGTTOU during the change, because the kernel
// sends SIGTTOU to a background process that changes the foreground group.
func (c *child) setForeground(group int) bool {
	if !signal.Ignored(unix.SIGTTOU) {
		signal.Ignore(unix.SIGTTOU)
		defer signal.Reset(unix.SIGTTOU)
	}
	return unix.IoctlSetPointerInt(c.tty, unix.TIOCSPGRP, group) == nil
}

// orphaned reports whether the process group is orphaned, which means that no shell could continue it after a stop. The
// kernel does not stop orphaned groups on Ctrl-Z.
func orphaned(group int) bool {
	parent := unix.Getppid()
	ours, err := unix.Getsid(0)
	if err != nil {
		return true
	}
	theirs, err := unix.Getsid(parent)
	if err != nil || theirs != ours {
		return true
	}
	g, err := unix.Getpgid(parent)
	return err != nil || g == group
}
