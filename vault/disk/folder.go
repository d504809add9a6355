package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A Folder is a directory that belongs to this program, such as its state folder or the folder of
// the file keystore, or a directory inside one of them. Its methods open regular files of this
// user and nothing else. They follow no symbolic link inside the folder and never wait for a pipe.
//
// The outermost folder may itself be reached through symbolic links, as dotfile managers make
// them, if each of those links belongs to this user or to root. For root, all directories on the
// way must too, since permissions do not stop root from following where they lead. Nothing is
// created where they do not.
//
// A folder is checked once in a process. Nobody else can write to it after that, so what was
// checked stays true. On Windows there are no owners to check.
//
// A nil *Folder stands for one that cannot be used: reading finds nothing, and writing fails with
// [ErrNoFolder].
type Folder struct {
	path   string
	parent *Folder // nil for the outermost

	mu         sync.Mutex
	checked    bool
	notPrivate bool      // others may enter it
	children   []*Folder // that were asked for
}

// ErrNoFolder is returned where a file would have to be in a folder that cannot be used. Nothing
// is in such a folder, so it is a [fs.ErrNotExist] too.
var ErrNoFolder error = noFolder{}

type noFolder struct{}

func (noFolder) Error() string { return "there is no folder that can be used" }

func (noFolder) Is(target error) bool { return target == fs.ErrNotExist }

// NewFolder returns the outermost folder at path. It need not exist yet.
func NewFolder(path string) *Folder { return &Folder{path: path} }

// Folder returns the folder called name inside f.
func (f *Folder) Folder(name string) *Folder {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path := filepath.Join(f.path, name)
	for _, in := range f.children {
		if in.path == path {
			return in // so that it is checked once
		}
	}
	in := &Folder{path: path, parent: f}
	f.children = append(f.children, in)
	return in
}

// Path is where the folder is.
func (f *Folder) Path() string {
	if f == nil {
		return ""
	}
	return f.path
}

// File is the path of the file called name, for messages and for other programs.
func (f *Folder) File(name string) string { return filepath.Join(f.Path(), name) }

// Usable returns nil if this user can read and write files in the folder, and otherwise what is in
// the way. A folder that does not exist is usable if it can be created.
func (f *Folder) Usable() error {
	if f == nil {
		return ErrNoFolder
	}
	err := f.Check()
	switch {
	case err == nil:
		return writable(f.path)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case f.parent != nil:
		return f.parent.Usable()
	}
	resolved, err := resolve(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = resolved.untrusted; err == nil {
			err = writable(resolved.dir)
		}
	}
	return err
}

// Check returns nil if the folder is there and is this user's, an fs.ErrNotExist if nothing is
// there, and otherwise what is wrong: an [*OwnerError] or a [*KindError].
func (f *Folder) Check() error {
	if f == nil {
		return ErrNoFolder
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.checked {
		return nil
	}
	info, err := f.inspect()
	if err != nil {
		return err
	}
	if err := checkDirectory(f.path, info); err != nil {
		return err
	}
	f.checked, f.notPrivate = true, othersHave(info, 0o077)
	if othersHave(info, 0o022) {
		f.makePrivate() // some file systems know no modes, and a read-only one keeps them
	}
	return nil
}

func (f *Folder) inspect() (fs.FileInfo, error) {
	if f.parent == nil {
		resolved, err := resolve(f.path)
		return resolved.info, err
	}
	if err := f.parent.Check(); err != nil {
		return nil, err
	}
	return os.Lstat(f.path)
}

// makePrivate takes the rights of others away.
func (f *Folder) makePrivate() error {
	f.notPrivate = false
	return os.Chmod(f.path, 0o700)
}

// Make creates the folder with mode 0700, and what is missing above it. One that is there is
// closed to others.
func (f *Folder) Make() error {
	if f == nil {
		return ErrNoFolder
	}
	err := f.Check()
	if errors.Is(err, fs.ErrNotExist) {
		if err = f.create(); err == nil {
			err = f.Check()
		}
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.notPrivate {
		return f.makePrivate()
	}
	return nil
}

func (f *Folder) create() error {
	if f.parent != nil {
		return f.parent.withFolder(func() error { return realSystem.mkdir(f.path) })
	}
	resolved, err := resolve(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = resolved.untrusted; err == nil {
			err = realSystem.mkdirAll(resolved.full()) // where the last symbolic link leads, if there is one
		}
	}
	return err
}

// withFolder calls act once the folder is there. If the folder was removed after it was checked, it
// is created again.
func (f *Folder) withFolder(act func() error) error {
	if err := f.Make(); err != nil {
		return err
	}
	err := act()
	if errors.Is(err, fs.ErrNotExist) {
		f.uncheck()
		if err = f.Make(); err == nil {
			err = act()
		}
	}
	return err
}

// MkdirPrivate creates a folder that the user has named, as [Folder.Make] does.
func MkdirPrivate(dir string) error { return NewFolder(dir).Make() }

// uncheck makes the next call check the folder, and all above it, anew.
func (f *Folder) uncheck() {
	for ; f != nil; f = f.parent {
		f.mu.Lock()
		f.checked = false
		f.mu.Unlock()
	}
}

// Read returns what the file called name holds, or a [*TooLargeError] if that is more than max
// bytes.
func (f *Folder) Read(name string, max int64) ([]byte, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	file, _, err := openOwned(f.File(name), os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readBounded(file, max)
}

// Write puts data into the file called name as [Replace] does, with mode 0600, and creates the
// folder if need be. It does not replace what is not a regular file of this user.
func (f *Folder) Write(name string, data []byte) error {
	return f.withFolder(func() error {
		if err := f.checkReplaceable(name); err != nil {
			return err
		}
		return Replace(f.File(name), data, 0o600)
	})
}

func (f *Folder) checkReplaceable(name string) error {
	_, err := f.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Stat describes the file called name.
func (f *Folder) Stat(name string) (fs.FileInfo, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	path := f.File(name)
	info, err := os.Lstat(path)
	if err == nil {
		err = checkFile(path, info)
	}
	return info, err
}

// ErrHardLink is returned for a file that has another name too, where it would be changed in place.
var ErrHardLink = errors.New("the file has another name too")

// Append opens the existing file called name to be read and added to, and returns its size. What
// is a hard link is not opened, since the other name may be that of a file that must not change:
// [Folder.Write] leaves that one as it is.
func (f *Folder) Append(name string) (*os.File, int64, error) {
	if err := f.Check(); err != nil {
		return nil, 0, err
	}
	file, info, err := openOwned(f.File(name), os.O_RDWR|os.O_APPEND)
	if err != nil {
		return nil, 0, err
	}
	if linkCount(info) > 1 {
		file.Close()
		return nil, 0, fmt.Errorf("%s: %w", f.File(name), ErrHardLink)
	}
	return file, info.Size(), nil
}

// Touch sets when the file called name was last written, and creates an empty one if need be.
func (f *Folder) Touch(name string, at time.Time) error {
	if err := f.Write(name, nil); err != nil {
		return err
	}
	return os.Chtimes(f.File(name), at, at)
}

// Remove removes the file called name.
func (f *Folder) Remove(name string) error {
	if _, err := f.Stat(name); err != nil {
		return err
	}
	return os.Remove(f.File(name))
}

// RemoveFolder removes the folder, which must be empty.
func (f *Folder) RemoveFolder() error {
	if err := f.Check(); err != nil {
		return err
	}
	f.uncheck()
	return os.Remove(f.path)
}

// Entries lists the folder.
func (f *Folder) Entries() ([]fs.DirEntry, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	return os.ReadDir(f.path)
}

// Walk calls visit for each file in the folder and in the folders inside it, and returns an
// [*OwnerError] or a [*KindError] for each thing that is not a regular file or directory of this user.
func (f *Folder) Walk(visit func(in *Folder, info fs.FileInfo)) []error {
	entries, err := f.Entries()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []error{err}
	}
	var all []error
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, f.Folder(e.Name()).Walk(visit)...)
			continue
		}
		info, err := f.Stat(e.Name())
		if err == nil {
			visit(f, info)
		} else if !errors.Is(err, fs.ErrNotExist) { // it was removed since
			all = append(all, err)
		}
	}
	return all
}

// Sweep removes the temporary files that killed processes left in the folder, and that were last
// written before olderThan. The entries are the folder's, which its caller has listed. What
// cannot be removed stays: a leftover is untidy, not wrong.
func (f *Folder) Sweep(entries []fs.DirEntry, olderThan time.Time) {
	for _, e := range entries {
		if !IsTemp(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil && info.ModTime().Before(olderThan) {
			f.Remove(e.Name())
		}
	}
}
