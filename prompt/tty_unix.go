//go:build unix

package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// controllingTerminal is the path at which each process can open its own controlling terminal.
const controllingTerminal = "/dev/tty"

// A tty is an open /dev/tty. It is opened separately for each prompt, so that its non-blocking mode does not
// affect other programs on the terminal. Waits use select, because on macOS kqueue and poll do not support
// /dev/tty.
type tty struct {
	fd                  int
	wakeRead, wakeWrite *os.File // a pipe; each byte in it is a reason to stop waiting
	wakeFD              int
	original, keys      unix.Termios
	keysEnabled         bool // whether EnableKeys was called, and Restore was not
	stopKey             byte
	stopKeyOn           bool
	stopWatching        func() // stops the goroutine that watches for SIGCONT
}

// These are the reasons to stop waiting.
const (
	ctxDone   byte = 'd'
	continued byte = 'c' // the process was stopped and has continued; another program may have changed the terminal
)

// OpenTTY opens the controlling terminal. If there is none, it returns an error that wraps [ErrNoTerminal] and the
// reason. The caller must catch SIGINT and similar signals and then cancel the context. Otherwise a signal could
// end the process, and the terminal would keep the settings of EnableKeys.
func OpenTTY() (TTY, error) {
	t, err := openTTY(controllingTerminal)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func openTTY(path string) (*tty, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoTerminal, path, err)
	}
	if fd >= unix.FD_SETSIZE {
		unix.Close(fd)
		return nil, fmt.Errorf("too many open files: %s has file descriptor %d, expected a number below %d", path, fd, unix.FD_SETSIZE)
	}
	wake, waker, err := os.Pipe()
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	t := &tty{fd: fd, wakeRead: wake, wakeWrite: waker, wakeFD: int(wake.Fd())}
	if t.wakeFD >= unix.FD_SETSIZE {
		t.Close()
		return nil, fmt.Errorf("too many open files: file descriptor %d, expected a number below %d", t.wakeFD, unix.FD_SETSIZE)
	}
	return t, nil
}

func (t *tty) Close() error {
	err := t.Restore(false)
	t.wakeRead.Close()
	t.wakeWrite.Close()
	return errors.Join(err, unix.Close(t.fd))
}

func (t *tty) EnableKeys() error {
	was, err := unix.IoctlGetTermios(t.fd, termiosRead)
	if err != nil {
		return fmt.Errorf("read the settings of %s: %w", controllingTerminal, err)
	}
	t.original, t.keys = *was, *was
	t.keys.Lflag &^= unix.ICANON | unix.ECHO | unix.ECHONL | unix.IEXTEN
	t.keys.Lflag |= unix.ISIG
	t.keys.Cc[unix.VMIN], t.keys.Cc[unix.VTIME] = 1, 0
	t.stopKey, t.stopKeyOn = disableStopKey(&t.keys)
	if err := t.set(termiosWrite, &t.keys); err != nil {
		return err
	}
	t.keysEnabled = true
	t.stopWatching = watchContinue(func() { t.wakeUp(continued) })
	return nil
}

func (t *tty) Restore(discard bool) error {
	if !t.keysEnabled {
		return nil
	}
	t.keysEnabled = false
	t.stopWatching()
	request := uint(termiosWrite)
	if discard {
		request = termiosWriteDiscard
	}
	return t.set(request, &t.original)
}

func (t *tty) set(request uint, to *unix.Termios) error {
	for {
		err := unix.IoctlSetTermios(t.fd, request, to)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("change the settings of %s: %w", controllingTerminal, err)
		}
	}
}

func (t *tty) ReadKey(ctx context.Context) (byte, error) {
	var b [1]byte
	for {
		resumed, err := t.await(ctx, false)
		if err != nil {
			return 0, err
		}
		if resumed {
			return 0, ErrRedraw
		}
		n, err := unix.Read(t.fd, b[:])
		switch {
		case n == 1 && t.stopKeyOn && b[0] == t.stopKey:
			if err := t.suspend(); err != nil {
				return 0, err
			}
			return 0, ErrRedraw
		case n == 1:
			return b[0], nil
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR): // read again
		case err == nil, errors.Is(err, unix.EIO):
			return 0, io.EOF
		default:
			return 0, fmt.Errorf("read %s: %w", controllingTerminal, err)
		}
	}
}

func (t *tty) Write(ctx context.Context, s string) error {
	for len(s) > 0 {
		n, err := unix.Write(t.fd, []byte(s))
		switch {
		case err == nil:
			s = s[n:]
		case errors.Is(err, unix.EINTR):
		case err == unix.EAGAIN:
			if _, err := t.await(ctx, true); err != nil {
				return err
			}
		default:
			return fmt.Errorf("write %s: %w", controllingTerminal, err)
		}
	}
	return nil
}

// await waits until the terminal can be written if the argument writing is true, and otherwise until the terminal
// can be read. If the process was stopped and has continued during the wait, await sets up the terminal again and
// returns true.
func (t *tty) await(ctx context.Context, writing bool) (resumed bool, err error) {
	stop := context.AfterFunc(ctx, func() { t.wakeUp(ctxDone) })
	defer stop()
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		reason, err := t.waitReady(writing, nil)
		if err != nil {
			return false, err
		}
		switch reason {
		case 0:
			return false, nil
		case continued:
			return true, t.set(termiosWrite, &t.keys)
		}
	}
}

// waitReady returns 0 when the terminal is ready. If the argument writing is true, the terminal is ready when the
// program can write to it, and otherwise when it can read from it. If limit is not nil, waitReady ignores input, and
// returns 0 after the duration limit. If wakeUp ends the wait, waitReady returns the reason: ctxDone or continued.
func (t *tty) waitReady(writing bool, limit *unix.Timeval) (reason byte, err error) {
	var r, w unix.FdSet
	for {
		r.Zero()
		w.Zero()
		r.Set(t.wakeFD)
		if writing {
			w.Set(t.fd)
		} else if limit == nil {
			r.Set(t.fd)
		}
		n, err := unix.Select(max(t.fd, t.wakeFD)+1, &r, &w, nil, limit)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("wait for %s: %w", controllingTerminal, err)
		}
		if n == 0 || !r.IsSet(t.wakeFD) {
			return 0, nil
		}
		var b [1]byte
		if _, err := unix.Read(t.wakeFD, b[:]); err != nil {
			return 0, fmt.Errorf("wait for %s: %w", controllingTerminal, err)
		}
		return b[0], nil
	}
}

// EnableCursor reads the size from the kernel, because the terminal might not answer a query for the size.
func (t *tty) EnableCursor() (columns, rows int, err error) {
	size, err := unix.IoctlGetWinsize(t.fd, unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 || size.Row == 0 {
		return 80, 24, nil
	}
	return int(size.Col), int(size.Row), nil
}

// wakeUp ends the current wait. Any goroutine may call wakeUp. After Close it does nothing.
func (t *tty) wakeUp(reason byte) { _, _ = t.wakeWrite.Write([]byte{reason}) }

// OpenTerminalFiles opens the terminal for another program that prompts the user. The caller must close both files.
// They are the same file, so the second Close only returns an error. If there is no terminal, OpenTerminalFiles
// returns an error.
func OpenTerminalFiles() (in, out *os.File, err error) {
	f, err := os.OpenFile(controllingTerminal, os.O_RDWR|unix.O_NOCTTY, 0)
	return f, f, err
}
