//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpenRefuses checks that only regular files are opened, and that no call waits for the writer of a named pipe.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("regular"), "text")
	for _, err := range []error{
		unix.Mkfifo(at("pipe"), 0o600), os.Symlink("pipe", at("link to a pipe")), os.Symlink("regular", at("link")),
		os.Symlink(os.DevNull, at("link to null")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{ // the value is the file type in the error, or empty if there is no error
		at("regular"): "", at("link"): "", os.DevNull: "", at("link to null"): "",
		at("pipe"): "a named pipe", at("link to a pipe"): "a named pipe", "/dev/zero": "a device", "/dev/tty": "a device", dir: "a directory",
	} {
		if path == "/dev/tty" {
			if tty, err := os.Open(path); err != nil {
				continue // this test has no terminal
			} else {
				tty.Close()
			}
		}
		_, text := ReadText(path, 100)
		_, bounded := ReadBounded(path, 100)
		f, open := Open(path)
		if open == nil {
			f.Close()
		}
		for name, err := range map[string]error{"ReadText": text, "ReadBounded": bounded, "Open": open} {
			var kind *KindError
			if want == "" && err != nil {
				t.Errorf("%s of %s returned %v", name, path, err)
			}
			if want != "" && (!errors.As(err, &kind) || !kind.Chosen || !strings.Contains(err.Error(), "is "+want+", expected a regular file")) {
				t.Errorf("%s of %s returned %v, want a *KindError for %s", name, path, err, want)
			}
		}
	}
	if _, err := Open(at("missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing file returned %v", err)
	}
	if text, err := ReadText(os.DevNull, 100); text != "" || err != nil {
		t.Errorf("ReadText of %s = %q, %v", os.DevNull, text, err)
	}
	l, err := net.Listen("unix", "s")
	if err == nil {
		defer os.Remove("s")
		defer l.Close()
		if _, err := Open("s"); err == nil {
			t.Error("Open of a socket returned nil")
		}
	}
}
