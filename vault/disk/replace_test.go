package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var errBroken = errors.New("broken on purpose")

// brokenFile is a file that has one failing method.
type brokenFile struct {
	file
	at string
}

func (f brokenFile) Write(p []byte) (int, error) {
	if f.at == "write" {
		n, _ := f.file.Write(p[:len(p)/2])
		return n, errBroken
	}
	return f.file.Write(p)
}

func (f brokenFile) Chmod(mode fs.FileMode) error {
	if f.at == "chmod" {
		return errBroken
	}
	return f.file.Chmod(mode)
}

func (f brokenFile) Sync() error {
	if f.at == "sync" {
		return errBroken
	}
	return f.file.Sync()
}

func (f brokenFile) Close() error {
	err := f.file.Close()
	if f.at == "close" {
		return errBroken
	}
	return err
}

// failingSystem returns a system in which one call fails. The parameter at is the name of this call.
func failingSystem(at string) system {
	s := realSystem
	s.create = func(path string) (file, error) {
		if at == "create" {
			return nil, errBroken
		}
		f, err := realSystem.create(path)
		if err != nil {
			return nil, err
		}
		return brokenFile{f, at}, nil
	}
	switch at {
	case "rename":
		s.rename = func(string, string) error { return errBroken }
	case "syncDir":
		s.syncDir = func(string) error { return errBroken }
	case "keep":
		s.copyRights = func(string, fs.FileInfo, string) error { return errBroken }
	}
	return s
}

func TestReplaceFails(t *testing.T) {
	for _, at := range []string{"create", "write", "chmod", "sync", "close", "rename"} {
		t.Run(at, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "item")
			write(t, path, "old")
			err := failingSystem(at).replace(path, []byte("new content"), func(f file) error { return f.Chmod(0o600) })
			if !errors.Is(err, errBroken) {
				t.Errorf("replace returned %v, want %v", err, errBroken)
			}
			wantFile(t, path, "old")
			wantOnly(t, dir, "item")
		})
	}
}

func TestReplaceUnsynced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "item")
	write(t, path, "old")
	err := failingSystem("syncDir").replace(path, []byte("new"), func(file) error { return nil })
	var unsynced *UnsyncedError
	if !errors.As(err, &unsynced) || unsynced.Path != path || !errors.Is(err, errBroken) {
		t.Errorf("replace returned %v, want an *UnsyncedError for %s", err, path)
	}
	if !strings.Contains(err.Error(), "could not be synced") {
		t.Errorf("the error says %q", err)
	}
	wantFile(t, path, "new")
}

// syncLogFile is a file that records the calls to its method Sync.
type syncLogFile struct {
	file
	calls *[]string
}

func (f syncLogFile) Sync() error {
	*f.calls = append(*f.calls, "sync file")
	return f.file.Sync()
}

// TestReplaceSyncsTwice checks that Replace syncs only the file and its directory, once each. Each sync takes at
// least 0.5 ms.
func TestReplaceSyncsTwice(t *testing.T) {
	var calls []string
	s := realSystem
	s.create = func(path string) (file, error) {
		f, err := realSystem.create(path)
		return syncLogFile{f, &calls}, err
	}
	s.rename = func(from, to string) error {
		calls = append(calls, "rename")
		return realSystem.rename(from, to)
	}
	s.syncDir = func(dir string) error {
		calls = append(calls, "sync directory")
		return realSystem.syncDir(dir)
	}
	if err := s.replace(filepath.Join(t.TempDir(), "item"), []byte("new"), func(file) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"sync file", "rename", "sync directory"}; !slices.Equal(calls, want) {
		t.Errorf("Replace made the calls %q, want %q", calls, want)
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "item")
	for _, content := range []string{"first", "second, longer", "", "third"} {
		if err := Replace(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, content)
		wantOnly(t, dir, "item")
	}
	if err := Replace(filepath.Join(dir, "missing", "item"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("replacing in a missing directory returned %v, want %v", err, fs.ErrNotExist)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	const stale = ".aws-vault-0123456789abcdef.tmp"
	others := []string{".aws-vault-fresh.tmp", ".aws-vault-fedcba9876543210.tmp", "other.tmp", "item"}
	for _, name := range append(others, stale) {
		write(t, filepath.Join(dir, name), name)
	}
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range []string{stale, "other.tmp", "item", ".aws-vault-fresh.tmp"} {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".aws-vault-aaaaaaaaaaaaaaaa.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	NewFolder(dir).Sweep(listDir(t, dir), old.Add(time.Hour))
	wantOnly(t, dir, ".aws-vault-aaaaaaaaaaaaaaaa.tmp", ".aws-vault-fedcba9876543210.tmp", ".aws-vault-fresh.tmp", "item", "other.tmp")
	entries := listDir(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	NewFolder(dir).Sweep(entries, time.Now()) // Sweep must not panic if the folder was deleted
}

func TestIsTemp(t *testing.T) {
	if temp := TempName(); !IsTemp(temp) {
		t.Errorf("IsTemp(%q) = false for a temporary name", temp)
	}
	for _, name := range []string{"", "item", ".aws-vault-.tmp", ".aws-vault-0123456789ABCDEF.tmp", "x.aws-vault-0123456789abcdef.tmp"} {
		if IsTemp(name) {
			t.Errorf("IsTemp(%q) = true", name)
		}
	}
}

func TestReadBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "item")
	write(t, path, "12345")
	for _, max := range []int64{5, 6, 1<<63 - 1} {
		if data, err := ReadBounded(path, max); err != nil || string(data) != "12345" {
			t.Errorf("ReadBounded(%d) = %q, %v", max, data, err)
		}
	}
	_, err := ReadBounded(path, 4)
	var large *TooLargeError
	if !errors.As(err, &large) || large.Max != 4 || large.Path != path {
		t.Errorf("ReadBounded(4) returned %v, want a *TooLargeError", err)
	}
	if !strings.Contains(err.Error(), "larger than 4 bytes") {
		t.Errorf("the error says %q", err)
	}
	if _, err := ReadBounded(path+"x", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadBounded of a missing file returned %v", err)
	}
	if _, err := ReadBounded(filepath.Dir(path), 4); err == nil {
		t.Error("ReadBounded of a directory returned nil")
	}
}

func listDir(t *testing.T, dir string) []fs.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
