package keystore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"aws-vault/vault/disk"
)

// A busCall is a method call that the fake bus received.
type busCall struct {
	path   dbus.ObjectPath
	method string // interface and method name
	body   []any
	bus    *fakeBus
	conn   net.Conn // the connection of the caller
}

// A busErrorName is the name of a D-Bus error that a handler returns.
type busErrorName string

func (f busErrorName) Error() string { return string(f) }

// errNoReply makes the bus send no reply.
var errNoReply = errors.New("no reply")

// A fakeBus answers calls with the results of its handlers, and records the calls.
type fakeBus struct {
	address string

	state    sync.Mutex // held while a handler runs
	handlers map[string]func(busCall) ([]any, error)

	mu     sync.Mutex
	closed bool // whether the bus is closed and accepts no more connections
	conns  []net.Conn
	calls  []string
}

// newFakeBus starts a bus. The bus reports that a service runs under each of the given names.
func newFakeBus(t *testing.T, owned ...string) *fakeBus {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeBus{address: "unix:path=" + path}
	b.handlers = map[string]func(busCall) ([]any, error){
		busName + ".Hello":       answers(nil, ":1.1"),
		busName + ".AddMatch":    answers(nil),
		busName + ".RemoveMatch": answers(nil),
		busName + ".NameHasOwner": func(c busCall) ([]any, error) {
			return []any{slices.Contains(owned, c.body[0].(string))}, nil
		},
		busName + ".ListActivatableNames": answers(nil, []string{busName}),
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			if b.conns = append(b.conns, conn); b.closed {
				conn.Close() // this connection arrived while the bus was being closed
			}
			b.mu.Unlock()
			done.Go(func() { b.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.mu.Lock()
		b.closed = true
		b.mu.Unlock()
		b.closeConnections()
		done.Wait()
	})
	return b
}

func (b *fakeBus) closeConnections() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, conn := range b.conns {
		conn.Close()
	}
}

func (b *fakeBus) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if authenticate(in, conn) != nil {
		return
	}
	for {
		m, err := dbus.DecodeMessage(in)
		if err != nil {
			return
		}
		b.answer(conn, m)
	}
}

// authenticate implements the server side of the EXTERNAL mechanism.
// https://dbus.freedesktop.org/doc/dbus-specification.html#auth-protocol
func authenticate(in *bufio.Reader, out io.Writer) error {
	if _, err := in.ReadByte(); err != nil {
		return err
	}
	answers := map[string]string{
		"AUTH": "REJECTED EXTERNAL", "AUTH EXTERNAL": "DATA", "NEGOTIATE_UNIX_FD": "ERROR",
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimSpace(line)
		if line == "BEGIN" {
			return nil
		}
		answer, ok := answers[line]
		if !ok {
			answer = "OK 0123456789abcdef0123456789abcdef"
		}
		if _, err := io.WriteString(out, answer+"\r\n"); err != nil {
			return err
		}
	}
}

func (b *fakeBus) answer(conn net.Conn, m *dbus.Message) {
	field := func(f dbus.HeaderField) string {
		s, _ := m.Headers[f].Value().(string)
		return s
	}
	path, _ := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	c := busCall{path: path, method: field(dbus.FieldInterface) + "." + field(dbus.FieldMember), body: m.Body, bus: b, conn: conn}
	b.mu.Lock()
	b.calls = append(b.calls, c.method)
	b.mu.Unlock()
	body, err := b.run(c)
	if err == errNoReply {
		return
	}
	reply := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
	}}
	if err != nil {
		reply.Type = dbus.TypeError
		reply.Headers[dbus.FieldErrorName] = dbus.MakeVariant(err.Error())
	}
	b.send(conn, reply, body...)
}

func (b *fakeBus) run(c busCall) ([]any, error) {
	b.state.Lock()
	defer b.state.Unlock()
	handler, ok := b.handlers[c.method]
	if !ok {
		return nil, busErrorName("org.freedesktop.DBus.Error.UnknownMethod")
	}
	return handler(c)
}

// with calls the function act while no handler runs, so that act can safely use the handlers' data.
func (b *fakeBus) with(act func()) {
	b.state.Lock()
	defer b.state.Unlock()
	act()
}

func (b *fakeBus) send(conn net.Conn, m *dbus.Message, body ...any) {
	if len(body) > 0 {
		m.Body = body
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	m.EncodeTo(conn, binary.LittleEndian)
}

// emit sends a signal to the connection from which the call came.
func (c busCall) emit(path dbus.ObjectPath, name string, body ...any) {
	dot := strings.LastIndexByte(name, '.')
	c.bus.send(c.conn, &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath:      dbus.MakeVariant(path),
		dbus.FieldInterface: dbus.MakeVariant(name[:dot]),
		dbus.FieldMember:    dbus.MakeVariant(name[dot+1:]),
	}}, body...)
}

// handle adds handlers to the bus. They replace existing handlers of the same methods.
func (b *fakeBus) handle(more map[string]func(busCall) ([]any, error)) {
	b.with(func() { maps.Copy(b.handlers, more) })
}

// answers returns a handler that always returns the same results.
func answers(err error, body ...any) func(busCall) ([]any, error) {
	return func(busCall) ([]any, error) { return body, err }
}

// called returns the methods that clients have called, and clears the record of calls.
func (b *fakeBus) called() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls := b.calls
	b.calls = nil
	return calls
}

func (b *fakeBus) config(t *testing.T) Config {
	return Config{Getenv: busAt(b.address), State: disk.NewFolder(t.TempDir())}
}

// busAt returns a function that looks up variables in an environment. The environment contains only the address of
// the session bus.
func busAt(address string) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		if name == "DBUS_SESSION_BUS_ADDRESS" {
			return address, true
		}
		return "", false
	}
}
