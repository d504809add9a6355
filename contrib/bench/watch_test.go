package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// busThatReads is a bus that answers nothing, and tells what it has read.
func busThatReads(t *testing.T) (path string, read <-chan []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	all := make(chan []byte, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		defer conn.Close()
		text, _ := io.ReadAll(conn)
		all <- text
	}()
	return path, all
}

// call is a message, in bytes.
func call(t *testing.T, kind dbus.Type, member string) string {
	t.Helper()
	m := &dbus.Message{Type: kind, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/")), dbus.FieldInterface: dbus.MakeVariant("org.example"), dbus.FieldMember: dbus.MakeVariant(member),
	}}
	var raw bytes.Buffer
	if err := m.EncodeTo(&raw, binary.LittleEndian); err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(raw.Bytes()[8:], 1) // a serial of 0 is none
	return raw.String()
}

func TestWatcher(t *testing.T) {
	const greeting = "\x00AUTH EXTERNAL 30\r\nBEGIN\r\n"
	messages := call(t, dbus.TypeMethodCall, "Hello") + call(t, dbus.TypeMethodCall, "OpenSession") +
		call(t, dbus.TypeSignal, "Ignored") + call(t, dbus.TypeMethodCall, "SearchItems")
	for _, c := range []struct {
		name, sent string
		want       []string
		fails      bool
	}{
		{"calls", greeting + messages, []string{"OpenSession", "SearchItems"}, false},
		{"no call", greeting, nil, false},
		{"no bus's words", "GET / HTTP/1.1\r\n", nil, true},
		{"half a message", greeting + messages[:20], nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bus, read := busThatReads(t)
			w, err := watch(filepath.Join(t.TempDir(), "watched"), bus)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			conn, err := net.Dial("unix", w.path)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, c.sent)
			conn.Close()
			if got := string(<-read); got != c.sent {
				t.Errorf("the bus read %q, want %q", got, c.sent)
			}
			calls, err := w.ended()
			if (err != nil) != c.fails {
				t.Errorf("the watcher says %v", err)
			}
			named := slices.EqualFunc(calls, c.want, strings.Contains)
			if !named {
				t.Errorf("it noted %q, want %q", calls, c.want)
			}
		})
	}
}
