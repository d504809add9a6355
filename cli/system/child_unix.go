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

// A child is a command that runs beside us, and the terminal that it shares with us.
//
// It leads a process group of its own, so that a key that sends a signal reaches it once
// and through nobody else: its group is the one in the foreground while it runs. Where we
// are part of a pipeline or a script, or in the background, it stays in our group, since
// others in it count on the terminal and on its keys: then what was typed reaches it as it
// reaches us.
type child struct {
	pid      int
	group    int  // our process group
	tty      int  // the controlling terminal; -1 for none
	ownGroup bool // it leads a group of its own

	mu          sync.Mutex
	hasTerminal bool // its group has the terminal by our hand
}

// run runs a command and returns its exit status, or 128 and its number if a signal ended
// it. Signals that reach us go on to the command; where it stops, so do we. Should we die,
// the command is killed, on systems that can promise that.
func run(path string, argv, environ []string) (status int, err error) {
	// The kernel takes the end of the thread that started a child for the end of its parent.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := &child{group: unix.Getpgrp(), tty: -1}
	if tty, err := unix.Open(terminalInput, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0); err == nil {
		defer unix.Close(tty)
		c.tty = tty
	}
	c.hasTerminal = c.inForeground() && onlyMember(c.group)
	c.ownGroup = c.tty < 0 || c.hasTerminal
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwardedSignals()...)
	defer signal.Stop(signals)
	attr := &syscall.SysProcAttr{Setpgid: c.ownGroup, Foreground: c.hasTerminal, Ctty: c.tty}
	KillWithParent(attr)
	c.pid, _, err = syscall.StartProcess(path, argv, &syscall.ProcAttr{Env: environ, Files: []uintptr{0, 1, 2}, Sys: attr})
	if err != nil {
		c.reclaimTerminal()
		return 0, err
	}
	if c.ownGroup && c.tty >= 0 {
		defer IgnoreTerminalStops()()
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
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

// IgnoreTerminalStops keeps this process from being stopped for what it, or a program of its group, does to a
// terminal that belongs to another, until restore is called. Programs that aws-vault runs then have a
// session of their own, but for age's plugins, which a library starts: one that reads the terminal
// meanwhile gets an error.
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

// forwardedSignals are the signals that go on to the command. One that we were told to ignore, as
// nohup does, it ignores by itself.
func forwardedSignals() []os.Signal {
	var all []os.Signal
	for _, s := range []syscall.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT} {
		if !signal.Ignored(s) {
			all = append(all, s)
		}
	}
	return all
}

// wait returns the status of the command once it has ended.
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

// forward sends a signal that we got on to the command.
func (c *child) forward(s syscall.Signal) {
	switch {
	case s == unix.SIGCONT:
		if c.ownGroup { // else it got its own
			c.resume()
		}
	case !fromTerminal(s) || !c.inForeground():
		unix.Kill(c.pid, s)
	case c.ownGroup: // we were brought to the front while it ran
		unix.Kill(-c.pid, s)
	}
}

// fromTerminal tells whether a signal is one that the terminal sends to all of the group in the
// foreground.
func fromTerminal(s syscall.Signal) bool {
	return s == unix.SIGINT || s == unix.SIGQUIT || s == unix.SIGHUP || s == unix.SIGWINCH
}

// followStop follows the command, which was stopped: the shell that waits for us is to see
// it, and to have the terminal.
func (c *child) followStop(by syscall.Signal) {
	if !c.ownGroup || c.tty < 0 {
		return // whatever stopped its group has stopped us too, or nobody waits for the terminal
	}
	c.reclaimTerminal()
	reading := by == unix.SIGTTIN || by == unix.SIGTTOU
	switch {
	case reading && c.inForeground(): // we were brought to the front while it ran
		c.resume()
	case !orphaned(c.group):
		unix.Kill(unix.Getpid(), unix.SIGTSTP) // resume follows the signal that ends this
	case by != unix.SIGSTOP:
		c.resume() // no shell could continue us, so nothing typed may stop us
	}
}

// resume lets the command go on, with the terminal if we have it.
func (c *child) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inForeground() && c.setForeground(c.pid) {
		c.hasTerminal = true
	}
	unix.Kill(-c.pid, unix.SIGCONT)
}

// reclaimTerminal takes the terminal that was lent.
func (c *child) reclaimTerminal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasTerminal {
		c.setForeground(c.group)
	}
	c.hasTerminal = false
}

// inForeground reports whether our group has the terminal.
func (c *child) inForeground() bool {
	if c.tty < 0 {
		return false
	}
	group, err := unix.IoctlGetInt(c.tty, unix.TIOCGPGRP)
	return err == nil && group == c.group
}

// setForeground makes a group the one in the foreground. Who does that from the background is
// stopped for it, unless the signal that stops them is ignored.
func (c *child) setForeground(group int) bool {
	if !signal.Ignored(unix.SIGTTOU) {
		signal.Ignore(unix.SIGTTOU)
		defer signal.Reset(unix.SIGTTOU)
	}
	return unix.IoctlSetPointerInt(c.tty, unix.TIOCSPGRP, group) == nil
}

// orphaned reports whether no shell could continue our group if it were stopped; the
// kernel does not stop such a one for a key that was pressed.
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
