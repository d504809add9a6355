package disk

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A test that needs another process runs the test binary again, with the name of a part to
// play in its environment.
const (
	partVariable = "DISK_TEST_PART"
	pathVariable = "DISK_TEST_PATH"
)

var parts = map[string]func(path string) error{}

func TestMain(m *testing.M) {
	part, ok := parts[os.Getenv(partVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := part(os.Getenv(pathVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// actor is a process that plays a part. It says a byte when it has got somewhere, and goes on
// when its input ends.
type actor struct {
	*exec.Cmd
	said io.Reader
	end  io.Closer
	errs *bytes.Buffer
}

func play(t *testing.T, part, path string) *actor {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), partVariable+"="+part, pathVariable+"="+path)
	a := &actor{Cmd: cmd, errs: new(bytes.Buffer)}
	cmd.Stderr = a.errs
	var err error
	if a.said, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if a.end, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return a
}

// waitFor blocks until the actor has said its byte.
func (a *actor) waitFor(t *testing.T) {
	t.Helper()
	if _, err := io.ReadFull(a.said, make([]byte, 1)); err != nil {
		t.Fatalf("the other process said nothing: %v; %s", err, a.errs)
	}
}

// say tells the parent that this process has got somewhere; hold waits until it is let go.
func say()  { os.Stdout.Write([]byte{'!'}) }
func hold() { io.Copy(io.Discard, os.Stdin) }

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path, content string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || string(data) != content {
		t.Errorf("%s holds %.40q (%d bytes, %v), want %.40q", filepath.Base(path), data, len(data), err, content)
	}
}

// wantOnly checks that dir holds these names and nothing else.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if fmt.Sprint(have) != fmt.Sprint(names) {
		t.Errorf("the directory holds %q, want %q", have, names)
	}
}
