package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// mostCalls is how many methods a warm exec may call on the bus.
const mostCalls = 8

// secretService measures exec of a role whose session is kept, with GNOME's Secret Service, and
// counts what it calls on the bus.
func (b *bencher) secretService() (figure, error) {
	const busDaemon, keyringDaemon = "dbus-daemon", "gnome-keyring-daemon"
	for _, program := range []string{busDaemon, keyringDaemon} {
		if _, err := exec.LookPath(program); err != nil {
			return notMeasured(program), nil
		}
	}
	h, err := b.newHome(plain, "AWS_VAULT_BACKEND=secret-service", "AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME=login")
	if err != nil {
		return figure{}, err
	}
	defer h.close()
	bus := filepath.Join(h.dir, "bus")
	h.environ = append(h.environ, "XDG_RUNTIME_DIR="+h.dir, busVariable+"unix:path="+bus)
	endBus, err := h.start("", busDaemon, "--session", "--nofork", "--nopidfile", "--address=unix:path="+bus)
	if err != nil {
		return figure{}, err
	}
	defer endBus()
	// The daemon makes the collection of its user's login, and opens it with what it reads.
	endKeyring, err := h.start("a password", keyringDaemon, "--foreground", "--unlock", "--components=secrets")
	if err != nil {
		return figure{}, err
	}
	defer endKeyring()
	if err := awaitService(b.ctx, "unix:path="+bus); err != nil {
		return figure{}, err
	}
	if err := h.key("alice"); err != nil {
		return figure{}, err
	}
	if err := h.run("", "exec", "readonly", "--", truePath); err != nil {
		return figure{}, err
	}
	calls, err := h.busCalls(bus)
	if err != nil {
		return figure{}, err
	}
	f, err := b.warmAt(h, "readonly", 0)
	f.here = fmt.Sprintf("%d D-Bus calls, %s", len(calls), f.here)
	f.met = len(calls) <= mostCalls
	return f, err
}

const busVariable = "DBUS_SESSION_BUS_ADDRESS="

// start starts a program in the home, with a text to read. It runs until what comes back is called.
func (h *home) start(stdin, name string, args ...string) (end func(), err error) {
	c := exec.CommandContext(h.b.ctx, name, args...)
	c.Env, c.Dir, c.Stdin = h.environ, h.dir, strings.NewReader(stdin)
	if err := c.Start(); err != nil {
		return nil, err
	}
	return func() {
		c.Process.Kill()
		c.Wait() // its status is that of a program that was killed
	}, nil
}

// busCalls are the methods that a warm exec calls on the bus, in order, without the greeting.
func (h *home) busCalls(bus string) ([]string, error) {
	w, err := watch(filepath.Join(h.dir, "watched"), bus)
	if err != nil {
		return nil, err
	}
	defer w.close()
	c := h.command("exec", "readonly", "--", truePath)
	c.Env = append(c.Environ(), busVariable+"unix:path="+w.path)
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said.Bytes())
	}
	return w.ended()
}

// isGreeting reports whether a call is the one that the bus wants before any other.
// https://dbus.freedesktop.org/doc/dbus-specification.html#bus-messages-hello
func isGreeting(m *dbus.Message) bool {
	member, _ := m.Headers[dbus.FieldMember].Value().(string)
	return member == "Hello"
}
