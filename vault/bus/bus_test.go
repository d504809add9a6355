//go:build linux

package bus_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/vault/bus"

	_ "github.com/99designs/keyring" // whose initialisers are what the bus is hidden from
)

const (
	childVariable = "BUS_TEST_CHILD"
	busVariable   = "DBUS_SESSION_BUS_ADDRESS"
)

func TestMain(m *testing.M) {
	if _, child := os.LookupEnv(childVariable); child {
		report()
		os.Exit(0)
	}
	bus.Restore()
	os.Exit(m.Run())
}

// report says what a program finds in its environment, before and after Restore.
func report() {
	fmt.Printf("%q\n", os.Getenv(busVariable))
	for range 2 {
		bus.Restore()
		after, set := os.LookupEnv(busVariable)
		fmt.Printf("%q %v\n", after, set)
	}
	original, set := bus.Address()
	fmt.Printf("%q %v\n", original, set)
}

// child runs this test's binary again, with the address in its environment if that is not nil and
// a dbus-launch that leaves a mark. It returns what the child said and its trace of initialisers.
func child(t *testing.T, address *string) (said, trace string) {
	t.Helper()
	dir := t.TempDir()
	mark := filepath.Join(dir, "launched")
	script := "#!/bin/sh\n: >" + mark + "\n"
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{childVariable + "=1", "GODEBUG=inittrace=1", "PATH=" + dir, "GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
	if address != nil {
		cmd.Env = append(cmd.Env, busVariable+"="+*address)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("dbus-launch was run")
	}
	return string(out), stderr.String()
}

// listen opens a socket that counts who comes. What it returns ends the counting.
func listen(t *testing.T) (address string, came func() int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	count := make(chan int)
	go func() {
		n := 0
		for {
			c, err := l.Accept()
			if err != nil {
				count <- n
				return
			}
			n++
			c.Close()
		}
	}()
	return "unix:path=" + path, func() int {
		// Who came before is accepted before this connection, our own.
		if c, err := net.Dial("unix", path); err == nil {
			c.Read(make([]byte, 1))
			c.Close()
		}
		l.Close()
		return <-count - 1
	}
}

func TestHidden(t *testing.T) {
	address, came := listen(t)
	empty := ""
	for name, test := range map[string]struct {
		address *string
		want    string
	}{
		"set":     {&address, fmt.Sprintf("%q true\n", address)},
		"empty":   {&empty, "\"\" true\n"},
		"missing": {nil, "\"\" false\n"},
	} {
		t.Run(name, func(t *testing.T) {
			said, _ := child(t, test.address)
			want := "\"hidden-by-aws-vault:\"\n" + strings.Repeat(test.want, 3)
			if said != want {
				t.Errorf("the program found %q, want %q", said, want)
			}
		})
	}
	if n := came(); n != 0 {
		t.Errorf("the bus was connected to %d times", n)
	}
}

func TestFirst(t *testing.T) {
	_, trace := child(t, nil)
	ours := strings.Index(trace, "init aws-vault/vault/bus ")
	if ours < 0 {
		t.Fatalf("the trace does not name this package:\n%s", trace)
	}
	if host := strings.Index(trace, "init github.com/"); host < ours {
		t.Errorf("a package of another host is initialised first:\n%s", trace)
	}
}
