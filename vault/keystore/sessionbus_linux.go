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

// busTimeout is how long a call that asks nobody anything may take, as in the D-Bus library itself.
const busTimeout = 25 * time.Second

// sessionBus is a connection to the session bus that is made when it is first needed.
type sessionBus struct {
	config Config

	mu   sync.Mutex
	conn *dbus.Conn
}

// errNoBus is why a keystore behind the bus cannot exist.
var errNoBus = errors.New("there is no session bus")

// address is where the bus listens. The system's own place for it counts too, because programs
// started by cron or over SSH have no address in their environment.
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

// connect returns the connection, made anew if an earlier one broke.
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

// dial connects within busTimeout. The library's own dialling heeds no context, so that one that
// hangs is left behind.
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

// errBusTimeout is the cause of a context that within has ended.
var errBusTimeout error = busTimeoutError{}

type busTimeoutError struct{}

func (busTimeoutError) Error() string { return fmt.Sprintf("no answer in %v", busTimeout) }

func withBusTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, errBusTimeout)
}

// call calls a method that asks nobody anything and stores its answer in out.
func (b *sessionBus) call(ctx context.Context, to, path, method string, args []any, out ...any) error {
	b.config.catchSignals()
	ctx, cancel := withBusTimeout(ctx, busTimeout)
	defer cancel()
	return b.callWithPrompt(ctx, to, path, method, args, out...)
}

// callWithPrompt calls a method whose answer a person may have to give: only ctx bounds it.
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

// ensureRunning returns nil if name has an owner on the bus, started now if need be. Without one the
// error is an *UnavailableError for backend; the context's end and a bus or a service that does not
// answer are other errors.
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
		return &UnavailableError{Backend: backend, Reason: "nobody offers it on the session bus"}
	}
	// Started here and not by the first call to it: one that is installed but cannot run, without a
	// screen for instance, is no keystore that the keys could be in.
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

// errorName is the D-Bus name of err, or "".
func errorName(err error) string {
	var refused dbus.Error
	if errors.As(err, &refused) {
		return refused.Name
	}
	return ""
}
