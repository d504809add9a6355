package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var errFull = errors.New("no space left on device")

// fullFile is a file on a disk that has room for only some more bytes.
type fullFile struct {
	*os.File
	room int
}

func (f fullFile) Write(b []byte) (int, error) {
	if len(b) <= f.room {
		return f.File.Write(b)
	}
	n, err := f.File.Write(b[:f.room])
	return n, errors.Join(err, errFull)
}

// TestAppendLine checks that a line is written as a whole or not at all.
func TestAppendLine(t *testing.T) {
	const line = "{\"version\":1}\n"
	for _, c := range []struct {
		before string
		room   int
		after  string
		err    error
	}{
		{"", 100, line, nil},
		{"{}\n", 100, "{}\n" + line, nil},
		{"{}\n", 0, "{}\n", errFull},
		{"{}\n", 5, "{}\n", errFull},
		{"{}\n", len(line) - 1, "{}\n", errFull},
		{"{}\n{\"ver", 100, "{}\n{\"ver\n" + line, nil}, // a part of a line, which a power failure has left
		{"{}\n{\"ver", 5, "{}\n{\"ver", errFull},
	} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := openFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := appendLine(fullFile{f, c.room}, []byte(line)); !errors.Is(err, c.err) {
			t.Errorf("appending to %q with room for %d bytes: error %v, want %v", c.before, c.room, err, c.err)
		}
		f.Close()
		if after, err := os.ReadFile(path); err != nil || string(after) != c.after {
			t.Errorf("appending to %q with room for %d bytes: the file is %q, %v, want %q", c.before, c.room, after, err, c.after)
		}
	}
}

// TestConcurrentWrites checks that lines that are written at the same time stay whole.
func TestConcurrentWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	const writers, lines = 8, 50
	var all sync.WaitGroup
	for range writers {
		l := New(path, time.Now)
		all.Go(func() {
			for range lines {
				if err := l.Write(Entry{Command: "exec", Profile: strings.Repeat("p", 5000)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(text) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil || e.Version != Version || e.Command != "exec" || e.Time == "" {
			t.Fatalf("%.200q: %v", line, err)
		}
		n++
	}
	if n != writers*lines {
		t.Errorf("the file has %d lines, want %d", n, writers*lines)
	}
}

// TestRefusedFiles checks that Check and Write return a FileError if the path is not that of a regular file.
func TestRefusedFiles(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "no", "log")} {
		l := New(path, time.Now)
		for name, err := range map[string]error{"Check": l.Check(), "Write": l.Write(Entry{})} {
			var file *FileError
			if !errors.As(err, &file) || file.Path != path || strings.Count(err.Error(), path) != 1 {
				t.Errorf("%s(%s) returned %v", name, path, err)
			}
		}
	}
	nothing := New("", time.Now)
	if err := errors.Join(nothing.Check(), nothing.Write(Entry{})); nothing != nil || err != nil {
		t.Errorf("a log without a path returned %v", err)
	}
}
