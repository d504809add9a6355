package keystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// busTimeout is the maximum duration of a call that does not prompt the user. libdbus, the reference implementation
// of D-Bus, has the same default.
const busTimeout = 25 * time.Second

// A sessionBus is a connection to the session bus. It connects at the first use.
type sessionBus struct {
	config Config

	mu   sync.Mutex
	conn *dbus.Conn
}

// errNoBus reports that there is no session bus, so the keystores on the bus are unavailable.
var errNoBus = errors.New("there is no session bus")

// address returns the address of the bus. Programs that cron or SSH starts have no bus address in their
// environment, so address also looks for the default socket in XDG_RUNTIME_DIR.
func (b *sessionBus) address() (string, error) {
	if a, ok := b.config.env("DBUS_SESSION_BUS_ADDRESS"); ok && a != "" && !strings.HasPrefix(a, "autolaunch:") {
		return a, nil
	}
	dir, ok := b.config.env("XDG_RUNTIME_DIR")
	if !ok || dir == "" {
		return "", errNoBus
	}
	path := filepath.Join(dir, "bus")
	if _, err := os.Stat(path); err != nil {
		return "", errNoBus
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path), nil
}

// connect returns the connection to the bus. It opens a new connection if the previous connection was closed.
func (b *sessionBus) connect(ctx context.Context) (*dbus.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil && b.conn.Connected() {
		return b.conn, nil
	}
	address, err := b.address()
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	b.conn = conn
	return conn, nil
}

// dial connects to the bus and fails after busTimeout. The function dbus.Connect cannot be cancelled, so a connection
// attempt that hangs continues in the background.
func dial(ctx context.Context, address string) (*dbus.Conn, error) {
	ctx, cancel := withBusTimeout(ctx, busTimeout)
	defer cancel()
	type result struct {
		conn *dbus.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		conn, err := dbus.Connect(address)
		done <- result{conn, err}
	}()
	select {
	case r := <-done:
		return r.conn, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.conn != nil {
				r.conn.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// errBusTimeout is the cause of a context from withBusTimeout whose time has run out.
var errBusTimeout error = busTimeoutError{}

type busTimeoutError struct{}

func (busTimeoutError) Error() string { return fmt.Sprintf("no response within %v", busTimeout) }

func withBusTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, errBusTimeout)
}

// call calls a method that does not prompt the user, and stores its results in out.
func (b *sessionBus) call(ctx context.Context, to, path, method string, args []any, out ...any) error {
	b.config.catchSignals()
	ctx, cancel := withBusTimeout(ctx, busTimeout)
	defer cancel()
	return b.callWithPrompt(ctx, to, path, method, args, out...)
}

// callWithPrompt calls a method that may prompt the user. It has no timeout except that of ctx.
func (b *sessionBus) callWithPrompt(ctx context.Context, to, path, method string, args []any, out ...any) error {
	conn, err := b.connect(ctx)
	if err != nil {
		return err
	}
	err = conn.Object(to, dbus.ObjectPath(path)).CallWithContext(ctx, method, 0, args...).Store(out...)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

const busName, busPath = "org.freedesktop.DBus", "/org/freedesktop/DBus"

// ensureRunning returns nil if the service called name runs or can be started now. It returns an
// *UnavailableError if there is no such service. If the context ends, or if the bus or the service does not
// respond, it returns a different error.
func (b *sessionBus) ensureRunning(ctx context.Context, backend, name string) error {
	var owned bool
	if err := b.call(ctx, busName, busPath, busName+".NameHasOwner", []any{name}, &owned); err != nil {
		return busError(ctx, backend, err)
	}
	if owned {
		return nil
	}
	var startable []string
	if err := b.call(ctx, busName, busPath, busName+".ListActivatableNames", nil, &startable); err != nil {
		return busError(ctx, backend, err)
	}
	if !slices.Contains(startable, name) {
		return &UnavailableError{Backend: backend, Reason: "no program provides it on the session bus"}
	}
	// Start the service now, not with the first call to it. A service that is installed but cannot run, for
	// instance without a screen, cannot hold the keys, so it counts as unavailable.
	err := b.call(ctx, busName, busPath, busName+".StartServiceByName", []any{name, uint32(0)}, new(uint32))
	if refused := errorName(err); refused != "" {
		return &UnavailableError{Backend: backend, Reason: "it could not be started: " + refused}
	}
	if err != nil {
		return busError(ctx, backend, err)
	}
	return nil
}

func busError(ctx context.Context, backend string, err error) error {
	if context.Cause(ctx) != nil || errors.Is(err, errBusTimeout) {
		return fmt.Errorf("%s: session bus: %w", backend, err)
	}
	reason := err.Error()
	if !errors.Is(err, errNoBus) {
		reason = "the session bus cannot be used: " + reason
	}
	return &UnavailableError{Backend: backend, Reason: reason}
}

// errorName returns the name of the D-Bus error err, or "" if err is not a D-Bus error.
func errorName(err error) string {
	var refused dbus.Error
	if errors.As(err, &refused) {
		return refused.Name
	}
	return ""
}
