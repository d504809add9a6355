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

// A Folder is a directory that belongs to this program, such as its state folder, or a directory inside one.
// Its methods open only regular files that belong to this user. They do not follow symbolic links inside the
// folder, and never wait for a named pipe.
//
// The path of the outermost folder may contain symbolic links, which dotfile managers create. Each of these
// links must belong to this user or to root. If this user is root, all directories on the path must too,
// because root can follow a path wherever another user leads it. Otherwise nothing is created.
//
// A folder is checked once per process. After that, other users cannot write to it, so the result stays
// valid. On Windows, owners are not checked.
//
// A nil *Folder is a folder that cannot be used: reading finds nothing, and writing fails with [ErrNoFolder].
type Folder struct {
	path   string
	parent *Folder // nil for the outermost folder

	mu         sync.Mutex
	checked    bool
	notPrivate bool      // other users may enter it
	children   []*Folder // folders that Folder returned
}

// ErrNoFolder is returned for a file in a folder that cannot be used. It is also an [fs.ErrNotExist].
var ErrNoFolder error = noFolder{}

type noFolder struct{}

func (noFolder) Error() string { return "no usable folder" }

func (noFolder) Is(target error) bool { return target == fs.ErrNotExist }

// NewFolder returns the outermost folder at path, which need not exist.
func NewFolder(path string) *Folder { return &Folder{path: path} }

// Folder returns the folder called name inside f.
func (f *Folder) Folder(name string) *Folder {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path := filepath.Join(f.path, name)
	for _, child := range f.children {
		if child.path == path {
			return child // one object per folder, so that it is checked once
		}
	}
	child := &Folder{path: path, parent: f}
	f.children = append(f.children, child)
	return child
}

// Path returns the path of the folder.
func (f *Folder) Path() string {
	if f == nil {
		return ""
	}
	return f.path
}

// File returns the path of the file called name, for messages and for other programs.
func (f *Folder) File(name string) string { return filepath.Join(f.Path(), name) }

// Usable returns nil if this user can read and write files in the folder, and otherwise the reason. A folder
// that does not exist is usable if it can be created.
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

// Check returns nil if the folder exists and belongs to this user. It returns an fs.ErrNotExist if nothing
// exists at the path, and otherwise an [*OwnerError] or a [*KindError].
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
		f.makePrivate() // ignore errors: some file systems have no modes, and a read-only one cannot change them
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

// makePrivate removes the permissions of other users.
func (f *Folder) makePrivate() error {
	f.notPrivate = false
	return os.Chmod(f.path, 0o700)
}

// Make creates the folder and its missing parents with mode 0700. If the folder exists, Make removes the
// permissions of other users.
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
			err = realSystem.mkdirAll(resolved.full()) // the target of the last symbolic link, if there is one
		}
	}
	return err
}

// withFolder creates the folder if it is missing, and calls act. If the folder was deleted after it was
// checked, withFolder creates it again.
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

// MkdirPrivate creates a folder chosen by the user, as [Folder.Make] does.
func MkdirPrivate(dir string) error { return NewFolder(dir).Make() }

// uncheck makes the next call check the folder and all its parents again.
func (f *Folder) uncheck() {
	for ; f != nil; f = f.parent {
		f.mu.Lock()
		f.checked = false
		f.mu.Unlock()
	}
}

// Read returns the content of the file called name, or a [*TooLargeError] if that is more than max bytes.
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

// Write replaces the file called name as [Replace] does, with mode 0600. It creates the folder if necessary.
// It fails if the path holds anything but a regular file of this user.
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

// Stat returns information about the file called name.
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

// ErrHardLink is returned instead of changing a file that has another name.
var ErrHardLink = errors.New("the file has another hard link")

// Append opens the existing file called name for reading and appending, and returns its size. It returns
// [ErrHardLink] if the file has another name, because that may be a file that must not change. [Folder.Write]
// is safe in this case: it replaces the name, and leaves the other file unchanged.
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

// Touch sets the modification time of the file called name, and empties the file. It creates the file if
// necessary.
func (f *Folder) Touch(name string, at time.Time) error {
	if err := f.Write(name, nil); err != nil {
		return err
	}
	return os.Chtimes(f.File(name), at, at)
}

// Remove deletes the file called name.
func (f *Folder) Remove(name string) error {
	if _, err := f.Stat(name); err != nil {
		return err
	}
	return os.Remove(f.File(name))
}

// RemoveFolder deletes the folder, which must be empty.
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

// Walk calls visit for each file in the folder and its subfolders. It returns an [*OwnerError] or a
// [*KindError] for each entry that is not a regular file or directory of this user.
func (f *Folder) Walk(visit func(child *Folder, info fs.FileInfo)) []error {
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
		} else if !errors.Is(err, fs.ErrNotExist) { // ignore a file that was deleted meanwhile
			all = append(all, err)
		}
	}
	return all
}

// Sweep deletes temporary files that were left by killed processes and last written before olderThan. The
// argument entries is the list of the folder. Sweep ignores errors, because leftover files do no harm.
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
