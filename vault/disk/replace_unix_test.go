//go:build unix

package disk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"aws-vault/internal/testproc"
)

func init() {
	functions["stop half-way"] = stopHalfWay
	functions["replace for ever"] = replaceForEver
	functions["replace beyond the limit"] = replaceBeyondLimit
}

// halfWrittenFile writes half of the data, reports that it has done so, and blocks until the process is killed.
type halfWrittenFile struct{ file }

func (f halfWrittenFile) Write(p []byte) (int, error) {
	f.file.Write(p[:len(p)/2])
	testproc.Ready()
	testproc.WaitForRelease()
	return 0, errBroken
}

func stopHalfWay(path string) error {
	s := realSystem
	s.create = func(path string) (file, error) {
		f, err := realSystem.create(path)
		return halfWrittenFile{f}, err
	}
	return s.replace(path, []byte(strings.Repeat("new", 1000)), func(file) error { return nil })
}

func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "item")
	write(t, path, "old")
	p := testproc.Start(t, "stop half-way", path)
	p.AwaitReady(t)
	p.Kill()
	wantFile(t, path, "old")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("found %d files, want the old one and a temporary one (%v)", len(entries), err)
	}
	NewFolder(dir).Sweep(entries, time.Now().Add(time.Hour))
	wantOnly(t, dir, "item")
}

var contents = [][]byte{bytes.Repeat([]byte("a"), 300_000), bytes.Repeat([]byte("b"), 200_000)}

func replaceForEver(path string) error {
	for i := 0; ; i++ {
		if err := Replace(path, contents[i%2], 0o600); err != nil {
			return err
		}
		if i == 0 {
			testproc.Ready()
		}
	}
}

// TestReaderSeesCompleteFile kills a process that replaces a file repeatedly. Readers must find a complete file at
// all times.
func TestReaderSeesCompleteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "item")
	write(t, path, "")
	for range 20 {
		p := testproc.Start(t, "replace for ever", path)
		p.AwaitReady(t)
		for range 20 {
			wantComplete(t, path)
		}
		p.Kill()
		wantComplete(t, path)
	}
}

func wantComplete(t *testing.T, path string) {
	t.Helper()
	data, err := ReadBounded(path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, contents[0]) && !bytes.Equal(data, contents[1]) {
		t.Fatalf("read %d bytes that are not a complete file", len(data))
	}
}

func replaceBeyondLimit(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 4096, Max: 4096}); err != nil {
		return err
	}
	new := bytes.Repeat([]byte("x"), 8192)
	for _, replace := range []func() error{
		func() error { return Replace(path, new, 0o600) },
		func() error { return ReplacePreserving(path, new) },
	} {
		if err := replace(); !errors.Is(err, unix.EFBIG) {
			return fmt.Errorf("replacing beyond the limit returned %v, want %v", err, unix.EFBIG)
		}
	}
	return nil
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "item")
	write(t, path, "old")
	p := testproc.Start(t, "replace beyond the limit", path)
	p.AwaitSuccess(t)
	wantFile(t, path, "old")
	wantOnly(t, dir, "item")
}

func TestReplaceMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "item")
	defer unix.Umask(unix.Umask(0o277))
	for _, mode := range []os.FileMode{0o600, 0o644, 0o400} {
		if err := Replace(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		wantMode(t, path, mode)
	}
}

func wantMode(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != mode {
		t.Errorf("%s has mode %v, want %v", filepath.Base(path), info.Mode().Perm(), mode)
	}
}
