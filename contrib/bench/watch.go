package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// A watcher stands between a program and a bus, passes everything on, and notes the methods that
// the program calls.
type watcher struct {
	path, bus string
	listener  net.Listener
	open      sync.WaitGroup

	mu    sync.Mutex
	calls []string
	err   error
}

// watch listens at a path for a program that means the bus at another.
func watch(path, bus string) (*watcher, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	w := &watcher{path: path, bus: bus, listener: l}
	w.open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			w.open.Go(func() { w.note(w.pass(conn)) })
		}
	})
	return w, nil
}

// ended waits until all programs have left, and returns what they called.
func (w *watcher) ended() ([]string, error) {
	w.close()
	w.open.Wait()
	return w.calls, w.err
}

func (w *watcher) close() { w.listener.Close() }

func (w *watcher) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = errors.Join(w.err, err)
}

// pass carries bytes both ways until the program leaves.
func (w *watcher) pass(program net.Conn) error {
	defer program.Close()
	bus, err := net.Dial("unix", w.bus)
	if err != nil {
		return err
	}
	defer bus.Close()
	go io.Copy(program, bus)
	sent := bufio.NewReader(io.TeeReader(program, bus))
	// Both agree on who they are in lines; BEGIN is the last.
	// https://dbus.freedesktop.org/doc/dbus-specification.html#auth-protocol
	for {
		line, err := sent.ReadString('\n')
		if err != nil {
			return fmt.Errorf("a program greets the bus with %q: %w", line, err)
		}
		if line == "BEGIN\r\n" {
			break
		}
	}
	for {
		m, err := dbus.DecodeMessage(sent)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if m.Type == dbus.TypeMethodCall && !isGreeting(m) {
			w.mu.Lock()
			w.calls = append(w.calls, m.String())
			w.mu.Unlock()
		}
	}
}

// patience is how long a daemon may take to come up.
const patience = 20 * time.Second

// awaitService waits until somebody has the name of the Secret Service on a bus.
func awaitService(ctx context.Context, address string) error {
	ctx, stop := context.WithTimeoutCause(ctx, patience, errors.New("the Secret Service does not come up"))
	defer stop()
	conn, err := awaitBus(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	const name = "org.freedesktop.secrets"
	for {
		var there bool
		if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&there); err != nil || there {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// awaitBus connects to a bus as soon as it listens.
func awaitBus(ctx context.Context, address string) (*dbus.Conn, error) {
	for {
		conn, err := dbus.Connect(address)
		if err == nil {
			return conn, nil
		}
		if stopped := pause(ctx); stopped != nil {
			return nil, errors.Join(stopped, err)
		}
	}
}

// pause waits a moment, or returns the cause of the context's end.
func pause(ctx context.Context) error {
	select {
	case <-time.After(10 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
