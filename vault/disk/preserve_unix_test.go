//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReplacePreservingMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	for _, mode := range []os.FileMode{0o644, 0o600, 0o664, 0o400} {
		write(t, path, "old")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := ReplacePreserving(path, []byte("new")); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, "new")
		wantMode(t, path, mode)
		os.Remove(path)
	}
}

func TestReplacePreservingNewFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "config")
	if err := ReplacePreserving(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "new")
	wantMode(t, path, 0o600)
	wantMode(t, dir, 0o700)
	wantMode(t, filepath.Dir(dir), 0o700)
}

func TestReplacePreservingFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "dotfiles", "aws")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	link := func(to, at string) {
		if err := os.Symlink(to, filepath.Join(dir, at)); err != nil {
			t.Fatal(err)
		}
	}
	link("dotfiles/aws", "dir")                 // a link to a directory
	link("../config", "dotfiles/aws/up")        // a relative link to a parent directory
	link("dir/up", "config")                    // a link through both other links
	link("missing", "dangling")                 // a link to a missing file
	link(filepath.Join(dir, "config"), "whole") // an absolute link
	write(t, filepath.Join(dir, "dotfiles", "config"), "old")

	for _, at := range []string{"config", "whole"} {
		if err := ReplacePreserving(filepath.Join(dir, at), []byte("new by "+at)); err != nil {
			t.Fatal(err)
		}
		wantFile(t, filepath.Join(dir, "dotfiles", "config"), "new by "+at)
	}
	if err := ReplacePreserving(filepath.Join(dir, "dangling"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(dir, "missing"), "new")
	for _, at := range []string{"config", "whole", "dangling", "dir"} {
		if info, err := os.Lstat(filepath.Join(dir, at)); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no longer a link (%v)", at, err)
		}
	}
}

func TestReplacePreservingLinkLoop(t *testing.T) {
	dir := t.TempDir()
	for from, to := range map[string]string{"a": "b", "b": "a", "self": "self"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []string{"a", "b", "self"} {
		if err := ReplacePreserving(filepath.Join(dir, at), nil); !errors.Is(err, ErrLoop) {
			t.Errorf("%s: %v, want %v", at, err, ErrLoop)
		}
	}
}

func TestReplacePreservingNotRegular(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, dir} {
		var odd *KindError
		if err := ReplacePreserving(path, nil); !errors.As(err, &odd) || !strings.Contains(err.Error(), "expected a regular file") {
			t.Errorf("%s: %v, want a *KindError", path, err)
		}
	}
}

func TestReplacePreservingFails(t *testing.T) {
	for _, at := range []string{"create", "write", "chmod", "sync", "close", "rename", "keep"} {
		t.Run(at, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "config")
			write(t, path, "old")
			if err := failingSystem(at).replacePreserving(path, []byte("new content")); !errors.Is(err, errBroken) {
				t.Errorf("returned %v, want %v", err, errBroken)
			}
			wantFile(t, path, "old")
			wantOnly(t, dir, "config")
		})
	}
}

// TestReplacePreservingUnsynced checks a directory that this user can change but not read, so that it cannot be opened
// and synced. The file is replaced, and no copy is made.
func TestReplacePreservingUnsynced(t *testing.T) {
	for _, allowCopy := range []bool{true, false} {
		dir := t.TempDir()
		path := filepath.Join(dir, "config")
		write(t, path, "old")
		s := realSystem
		s.allowCopy = allowCopy
		s.syncDir = func(dir string) error { return &fs.PathError{Op: "open", Path: dir, Err: unix.EACCES} }
		s.open = func(path string) (file, error) {
			t.Error("the file was written in place")
			return realSystem.open(path)
		}
		var unsynced *UnsyncedError
		var inPlace *InPlaceError
		if err := s.replacePreserving(path, []byte("new")); !errors.As(err, &unsynced) || errors.As(err, &inPlace) {
			t.Errorf("copy allowed %v: returned %v, want an *UnsyncedError", allowCopy, err)
		}
		wantFile(t, path, "new")
		wantOnly(t, dir, "config")
	}
}

func TestReplaceInPlace(t *testing.T) {
	for _, why := range []error{unix.EBUSY, unix.EXDEV, unix.EPERM} {
		dir := t.TempDir()
		path := filepath.Join(dir, "config")
		write(t, path, "old content, longer than the new")
		before, _ := os.Stat(path)
		copied := ""
		s := realSystem
		s.rename = func(from, to string) error { return &os.LinkError{Op: "rename", Old: from, New: to, Err: why} }
		s.open = func(path string) (file, error) {
			copied = readOnlyCopy(t, dir)
			return realSystem.open(path)
		}
		if err := s.replacePreserving(path, []byte("new")); err != nil {
			t.Fatalf("after %v, replacePreserving returned %v", why, err)
		}
		wantFile(t, path, "new")
		wantOnly(t, dir, "config")
		if after, _ := os.Stat(path); !os.SameFile(before, after) {
			t.Errorf("%v: the file was replaced, want it written in place", why)
		}
		if copied != "old content, longer than the new" {
			t.Errorf("%v: during the write the copy contained %q", why, copied)
		}
	}
}

// readOnlyCopy returns the content of the copy in dir. The test fails if dir contains no copy or several copies.
func readOnlyCopy(t *testing.T, dir string) string {
	found, err := filepath.Glob(filepath.Join(dir, "config.aws-vault-*.old"))
	if err != nil || len(found) != 1 {
		t.Errorf("%d copies of the old content (%v), want 1", len(found), err)
		return ""
	}
	data, _ := os.ReadFile(found[0])
	return string(data)
}

func TestReplaceInPlaceFails(t *testing.T) {
	busy := func(string, string) error { return unix.EBUSY }
	t.Run("once", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "config")
		write(t, path, "old content")
		s, opened := realSystem, 0
		s.rename = busy
		s.open = func(path string) (file, error) {
			f, err := realSystem.open(path)
			if opened++; opened == 1 {
				return brokenFile{f, "write"}, err
			}
			return f, err
		}
		var inPlace *InPlaceError
		err := s.replacePreserving(path, []byte("new content"))
		if !errors.As(err, &inPlace) || inPlace.Copy != "" || !errors.Is(err, errBroken) {
			t.Errorf("returned %v, want an *InPlaceError without a copy", err)
		}
		wantFile(t, path, "old content")
		wantOnly(t, dir, "config")
	})
	t.Run("restoring too", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "config")
		write(t, path, "old content")
		s := realSystem
		s.rename = busy
		s.open = func(path string) (file, error) {
			f, err := realSystem.open(path)
			return brokenFile{f, "write"}, err
		}
		var inPlace *InPlaceError
		err := s.replacePreserving(path, []byte("new content"))
		if !errors.As(err, &inPlace) || !strings.Contains(err.Error(), "the old content is in") {
			t.Fatalf("returned %v, want an *InPlaceError with a copy", err)
		}
		wantFile(t, inPlace.Copy, "old content")
		if !IsCopy(filepath.Base(inPlace.Copy)) {
			t.Errorf("IsCopy(%q) = false for a copy", inPlace.Copy)
		}
	})
	t.Run("no copy", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "config")
		write(t, path, "old")
		s := realSystem
		s.create = func(path string) (file, error) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}
		}
		var inPlace *InPlaceError
		err := s.replacePreserving(path, []byte("new"))
		if !errors.As(err, &inPlace) || !strings.Contains(err.Error(), "cannot be replaced safely") || strings.Contains(err.Error(), "\n") {
			t.Errorf("returned %v, want an *InPlaceError", err)
		}
		wantFile(t, path, "old")
	})
	t.Run("no copy wanted", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "credentials")
		write(t, path, "old secret")
		s := realSystem
		s.rename, s.allowCopy = busy, false
		s.create = func(path string) (file, error) {
			if !IsTemp(filepath.Base(path)) {
				t.Errorf("created %s", path)
			}
			return realSystem.create(path)
		}
		var inPlace *InPlaceError
		if err := s.replacePreserving(path, []byte("new")); !errors.As(err, &inPlace) || inPlace.Copy != "" {
			t.Errorf("returned %v, want an *InPlaceError", err)
		}
		wantFile(t, path, "old secret")
		wantOnly(t, dir, "credentials")
	})
	t.Run("copy too large", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "config")
		write(t, path, "")
		if err := os.Truncate(path, maxCopy+1); err != nil {
			t.Fatal(err)
		}
		s := realSystem
		s.rename = busy
		var large *TooLargeError
		if err := s.replacePreserving(path, []byte("new")); !errors.As(err, &large) {
			t.Errorf("returned %v, want a *TooLargeError", err)
		}
		wantOnly(t, dir, "config")
	})
}

func TestReplacePreservingReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can write to every directory")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	write(t, path, "old")
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	var inPlace *InPlaceError
	if err := ReplacePreserving(path, []byte("new")); !errors.As(err, &inPlace) {
		t.Errorf("returned %v, want an *InPlaceError", err)
	}
	wantFile(t, path, "old")
}

func TestReplacePreservingOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change the owner of a file")
	}
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "old")
	if err := os.Chown(path, 12345, 54321); err != nil {
		t.Skip(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := ReplacePreserving(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 12345 || s.Gid != 54321 {
		t.Errorf("the file belongs to %d:%d, want 12345:54321", s.Uid, s.Gid)
	}
	wantMode(t, path, 0o640)
}

func TestMkdirPrivate(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b")
	for range 2 {
		if err := MkdirPrivate(dir); err != nil {
			t.Fatal(err)
		}
		wantMode(t, dir, 0o700)
		wantMode(t, filepath.Dir(dir), 0o700)
	}
	for _, wide := range []os.FileMode{0o755, 0o777, 0o710} {
		if err := os.Chmod(dir, wide); err != nil {
			t.Fatal(err)
		}
		if err := MkdirPrivate(dir); err != nil {
			t.Fatal(err)
		}
		wantMode(t, dir, 0o700)
	}
	path := filepath.Join(root, "file")
	write(t, path, "")
	for _, taken := range []string{path, filepath.Join(path, "below")} {
		if err := MkdirPrivate(taken); err == nil {
			t.Errorf("%s: MkdirPrivate returned nil although the path is a file", taken)
		}
	}
}

func TestMkdirPrivateOtherOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change the owner of a directory")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 12345, -1); err != nil {
		t.Skip(err)
	}
	err := MkdirPrivate(dir)
	var owner *OwnerError
	if !errors.As(err, &owner) || owner.Owner != 12345 || owner.Self != 0 {
		t.Errorf("returned %v, want an *OwnerError", err)
	}
	if !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("the error says %q", err)
	}
}
