//go:build unix

package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	other   = 12345 // the ID of another user
	outside = "content of a file outside"
)

// obstacles are functions that create something unexpected at the path of a file or folder.
var obstacles = map[string]func(t *testing.T, path, victim string){
	"a link":          func(t *testing.T, path, victim string) { must(t, os.Symlink(victim, path)) },
	"a dangling link": func(t *testing.T, path, victim string) { must(t, os.Symlink(victim+" gone", path)) },
	"a pipe":          func(t *testing.T, path, _ string) { must(t, unix.Mkfifo(path, 0o600)) },
	"a socket": func(t *testing.T, path, _ string) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		must(t, err)
		defer unix.Close(fd)
		must(t, os.Chdir(filepath.Dir(path))) // change the directory, because the path of a socket must be short
		must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Base(path)}))
	},
	"a device": func(t *testing.T, path, _ string) {
		skipUnlessRoot(t)
		must(t, unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 9)))) // device 1, 9 is /dev/urandom on Linux
	},
	"another user's": func(t *testing.T, path, _ string) {
		skipUnlessRoot(t)
		write(t, path, "planted")
		must(t, os.Chown(path, other, other))
	},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func skipUnlessRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make this")
	}
}

// TestFolderRefuses checks that each method that opens or replaces a file refuses everything that is not a regular
// file of this user.
func TestFolderRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	methods := map[string]func(f *Folder, name string) error{
		"Read":  func(f *Folder, name string) error { _, err := f.Read(name, 100); return err },
		"Write": func(f *Folder, name string) error { return f.Write(name, []byte("new")) },
		"Append": func(f *Folder, name string) error {
			_, _, err := f.Append(name)
			return err
		},
		"Remove": func(f *Folder, name string) error { return f.Remove(name) },
		"Stat":   func(f *Folder, name string) error { _, err := f.Stat(name); return err },
		"Touch":  func(f *Folder, name string) error { return f.Touch(name, time.Now()) },
		"Lock":   func(f *Folder, name string) error { _, err := f.Lock(context.Background(), name); return err },
		"TryLock": func(f *Folder, name string) error {
			_, _, err := f.TryLock(name)
			return err
		},
		"ReadNote": func(f *Folder, name string) error { _, err := f.ReadNote(name); return err },
	}
	for kind, plant := range obstacles {
		for method, call := range methods {
			t.Run(kind+" "+method, func(t *testing.T) {
				victim := filepath.Join(t.TempDir(), "victim")
				write(t, victim, outside)
				f := NewFolder(t.TempDir())
				plant(t, f.File("name"), victim)
				before, err := os.Lstat(f.File("name"))
				must(t, err)
				err = call(f, "name")
				var owner *OwnerError
				var kind *KindError
				if !errors.As(err, &owner) && !errors.As(err, &kind) || !strings.Contains(err.Error(), f.File("name")+": ") {
					t.Errorf("returned %v, want an error that names the file", err)
				}
				if after, err := os.Lstat(f.File("name")); err != nil || !os.SameFile(before, after) {
					t.Errorf("the obstacle was replaced: %v", err)
				}
				wantFile(t, victim, outside)
				wantOnly(t, filepath.Dir(victim), "victim")
			})
		}
	}
}

// TestInnerFolderRefuses checks that an inner folder is refused if it is not a directory of this user.
func TestInnerFolderRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for kind, plant := range obstacles {
		t.Run(kind, func(t *testing.T) {
			victim := t.TempDir()
			write(t, filepath.Join(victim, "name"), outside)
			f := NewFolder(t.TempDir())
			plant(t, f.File("in"), victim)
			if kind == "another user's" {
				must(t, os.Remove(f.File("in")))
				must(t, os.Mkdir(f.File("in"), 0o777))
				must(t, os.Chown(f.File("in"), other, other))
			}
			in := f.Folder("in").Folder("deeper")
			for _, in := range []*Folder{f.Folder("in"), in} {
				_, err := in.Read("name", 100)
				var owner *OwnerError
				var kind *KindError
				for _, err := range []error{err, in.Write("name", nil), in.Remove("name"), in.Make(), in.Usable()} {
					if !errors.As(err, &owner) && !errors.As(err, &kind) || !strings.Contains(err.Error(), f.File("in")+": ") {
						t.Errorf("returned %v, want an error that names the folder", err)
					}
				}
			}
			wantFile(t, filepath.Join(victim, "name"), outside)
			wantOnly(t, victim, "name")
		})
	}
}

// TestFolderBehindLinks checks that the path of the outermost folder may contain symbolic links. A path that
// another user can change must be refused.
func TestFolderBehindLinks(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    string // text in the expected error; empty if the folder is usable
	}{
		{"missing", func(*testing.T, string) {}, ""},
		{"a link to a folder", func(t *testing.T, dir string) {
			must(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
			must(t, os.Symlink("real", filepath.Join(dir, "way")))
		}, ""},
		{"links to what is not there yet", func(t *testing.T, dir string) {
			must(t, os.Symlink("next", filepath.Join(dir, "way")))
			must(t, os.Symlink(filepath.Join(dir, "a", "b"), filepath.Join(dir, "next")))
		}, ""},
		{"links without end", func(t *testing.T, dir string) { must(t, os.Symlink("way", filepath.Join(dir, "way"))) }, ErrLoop.Error()},
		{"a file", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "way"), "") }, "not a directory"},
		{"another user's link", func(t *testing.T, dir string) {
			skipUnlessRoot(t)
			must(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
			must(t, os.Symlink("real", filepath.Join(dir, "way")))
			must(t, os.Lchown(filepath.Join(dir, "way"), other, other))
		}, "belongs to user 12345"},
		{"another user's folder on root's way", func(t *testing.T, dir string) {
			skipUnlessRoot(t)
			must(t, os.MkdirAll(filepath.Join(dir, "way", "folder"), 0o700))
			must(t, os.Chown(filepath.Join(dir, "way"), other, other))
		}, "belongs to user 12345"},
		{"nothing in another user's folder on root's way", func(t *testing.T, dir string) {
			skipUnlessRoot(t)
			must(t, os.Mkdir(filepath.Join(dir, "way"), 0o700))
			must(t, os.Chown(filepath.Join(dir, "way"), other, other))
		}, "belongs to user 12345"},
		{"another user's folder", func(t *testing.T, dir string) {
			skipUnlessRoot(t)
			must(t, os.MkdirAll(filepath.Join(dir, "way", "folder"), 0o700))
			must(t, os.Chown(filepath.Join(dir, "way", "folder"), other, other))
		}, "belongs to user 12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			before := listDir(t, dir)
			f := NewFolder(filepath.Join(dir, "way", "folder"))
			usable, wrote := f.Usable(), f.Write("name", []byte("new"))
			if c.want == "" {
				if usable != nil || wrote != nil {
					t.Fatalf("Usable returned %v, Write returned %v", usable, wrote)
				}
				if data, err := f.Read("name", 10); err != nil || string(data) != "new" {
					t.Errorf("Read = %q, %v", data, err)
				}
				wantMode(t, f.Path(), 0o700)
				return
			}
			for _, err := range []error{usable, wrote} {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Join(dir, "way")) {
					t.Errorf("%v, want an error that contains %s", err, c.want)
				}
			}
			if after := listDir(t, dir); len(after) != len(before) {
				t.Errorf("the folder changed from %v to %v", before, after)
			}
		})
	}
}

// TestFolderMadePrivate checks that the write permission of other users is removed from a folder before a file in
// the folder is used.
func TestFolderMadePrivate(t *testing.T) {
	for mode, read := range map[fs.FileMode]fs.FileMode{0o777: 0o700, 0o720: 0o700, 0o755: 0o755, 0o700: 0o700} {
		f := NewFolder(t.TempDir())
		write(t, f.File("name"), "")
		must(t, os.Chmod(f.Path(), mode))
		if _, err := f.Read("name", 10); err != nil {
			t.Error(err)
		}
		wantMode(t, f.Path(), read)
		must(t, f.Write("name", nil))
		wantMode(t, f.Path(), 0o700)
	}
}

// TestFolderRemoved deletes the folders that a process uses. The process must create the folders again and
// continue.
func TestFolderRemoved(t *testing.T) {
	f := NewFolder(filepath.Join(t.TempDir(), "state"))
	in := f.Folder("a").Folder("b")
	for range 3 {
		must(t, in.Write("name", nil))
		l, err := in.Lock(context.Background(), "lock")
		must(t, err)
		must(t, l.Close())
		must(t, os.RemoveAll(f.Path()))
		if _, err := in.Read("name", 10); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Read returned %v", err)
		}
	}
	must(t, in.Write("name", nil))
	must(t, in.Remove("name"))
	must(t, in.RemoveFolder())
	if err := in.Check(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check returned %v", err)
	}
}

// TestFolderNotUsable checks that Usable returns an error for a folder that is not writable.
func TestFolderNotUsable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere; a script runs the program on a read-only file system")
	}
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o500))
	for _, f := range []*Folder{NewFolder(dir), NewFolder(filepath.Join(dir, "missing", "too")), NewFolder(dir).Folder("in")} {
		if err := f.Usable(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Usable returned %v", err)
		}
	}
}

// TestNoFolder checks that the methods of a nil folder return ErrNoFolder.
func TestNoFolder(t *testing.T) {
	f := (*Folder)(nil).Folder("in")
	_, read := f.Read("name", 10)
	_, listed := f.Entries()
	_, _, appended := f.Append("name")
	_, _, locked := f.TryLock("name")
	for _, err := range []error{read, listed, appended, locked, f.Write("name", nil), f.Remove("name"), f.Make(), f.Usable(), f.RemoveFolder()} {
		if !errors.Is(err, ErrNoFolder) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("returned %v, want %v", err, ErrNoFolder)
		}
	}
	if f.Path() != "" || f.File("name") != "name" {
		t.Errorf("the path is %q, the file is %q", f.Path(), f.File("name"))
	}
}

// TestHardLink checks that the content of a file with another hard link is never changed.
func TestHardLink(t *testing.T) {
	f := NewFolder(t.TempDir())
	victim := filepath.Join(t.TempDir(), "victim")
	write(t, victim, outside)
	must(t, os.Link(victim, f.File("name")))
	if _, _, err := f.Append("name"); !errors.Is(err, ErrHardLink) {
		t.Errorf("Append returned %v, want %v", err, ErrHardLink)
	}
	l, err := f.Lock(context.Background(), "name")
	must(t, err)
	must(t, l.WriteNote([]byte("a note")))
	must(t, l.Close())
	must(t, f.Write("name", []byte("new")))
	wantFile(t, victim, outside)
	wantFile(t, f.File("name"), "new")
}
