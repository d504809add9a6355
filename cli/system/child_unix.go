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
	pid   int
	group int  // our process group
	tty   int  // the controlling terminal; -1 for none
	own   bool // it leads a group of its own

	mu   sync.Mutex
	lent bool // its group has the terminal by our hand
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
	c.lent = c.inFront() && aloneIn(c.group)
	c.own = c.tty < 0 || c.lent
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn()...)
	defer signal.Stop(signals)
	attr := &syscall.SysProcAttr{Setpgid: c.own, Foreground: c.lent, Ctty: c.tty}
	DieWithUs(attr)
	c.pid, _, err = syscall.StartProcess(path, argv, &syscall.ProcAttr{Env: environ, Files: []uintptr{0, 1, 2}, Sys: attr})
	if err != nil {
		c.takeBack()
		return 0, err
	}
	if c.own && c.tty >= 0 {
		defer NotStopped()()
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case s := <-signals:
				c.pass(s.(syscall.Signal))
			case <-done:
				return
			}
		}
	}()
	status, err = c.wait()
	c.takeBack()
	return status, err
}

// NotStopped keeps this process from being stopped for what it, or a program of its group, does to a
// terminal that belongs to another, until restore is called. Programs that aws-vault runs then have a
// session of their own, but for age's plugins, which a library starts: one that reads the terminal
// meanwhile gets an error.
func NotStopped() (restore func()) {
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

// passedOn are the signals that go on to the command. One that we were told to ignore, as
// nohup does, it ignores by itself.
func passedOn() []os.Signal {
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
			c.stopped(s.StopSignal())
		}
	}
}

// pass sends a signal that we got on to the command.
func (c *child) pass(s syscall.Signal) {
	switch {
	case s == unix.SIGCONT:
		if c.own { // else it got its own
			c.resume()
		}
	case !typed(s) || !c.inFront():
		unix.Kill(c.pid, s)
	case c.own: // we were brought to the front while it ran
		unix.Kill(-c.pid, s)
	}
}

// typed tells whether a signal is one that the terminal sends to all of the group in the
// foreground.
func typed(s syscall.Signal) bool {
	return s == unix.SIGINT || s == unix.SIGQUIT || s == unix.SIGHUP || s == unix.SIGWINCH
}

// stopped follows the command, which was stopped: the shell that waits for us is to see
// it, and to have the terminal.
func (c *child) stopped(by syscall.Signal) {
	if !c.own || c.tty < 0 {
		return // whatever stopped its group has stopped us too, or nobody waits for the terminal
	}
	c.takeBack()
	reading := by == unix.SIGTTIN || by == unix.SIGTTOU
	switch {
	case reading && c.inFront(): // we were brought to the front while it ran
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
	if c.inFront() && c.give(c.pid) {
		c.lent = true
	}
	unix.Kill(-c.pid, unix.SIGCONT)
}

// takeBack takes the terminal that was lent.
func (c *child) takeBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lent {
		c.give(c.group)
	}
	c.lent = false
}

// inFront reports whether our group has the terminal.
func (c *child) inFront() bool {
	if c.tty < 0 {
		return false
	}
	group, err := unix.IoctlGetInt(c.tty, unix.TIOCGPGRP)
	return err == nil && group == c.group
}

// give makes a group the one in the foreground. Who does that from the background is
// stopped for it, unless the signal that stops them is ignored.
func (c *child) give(group int) bool {
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
