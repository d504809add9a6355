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

// A Folder is a directory that belongs to this program, such as its state folder, or a directory inside another
// Folder. Its methods open only regular files that belong to this user. The methods follow no symbolic links inside
// the folder. They never wait until another process opens a named pipe.
//
// The path of the outermost folder may contain symbolic links, which dotfile managers create. Each of these
// links must belong to this user or to root. If this user is root, all directories on the path must also belong to
// root, because another user could otherwise redirect the path. If the path breaks these rules, nothing is created.
//
// A folder is checked only once per process: after the check, other users cannot write to the folder, so the result
// stays valid. On Windows, owners are not checked.
//
// A nil *Folder stands for a folder that cannot be used: reads find nothing, and writes fail with [ErrNoFolder].
type Folder struct {
	path   string
	parent *Folder // nil for the outermost folder

	mu         sync.Mutex
	checked    bool
	notPrivate bool      // whether other users had permissions for the folder when it was checked
	children   []*Folder // the results of earlier calls to the method Folder
}

// ErrNoFolder is returned for a file in a folder that cannot be used. It matches [fs.ErrNotExist].
var ErrNoFolder error = noFolder{}

type noFolder struct{}

func (noFolder) Error() string { return "no usable folder" }

func (noFolder) Is(target error) bool { return target == fs.ErrNotExist }

// NewFolder returns the outermost folder at path. The folder need not exist.
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
			return child // return the same object for the same folder, so that the folder is checked only once
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

// Usable returns nil if this user can read and write files in the folder. Otherwise it returns the reason. A folder
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

// Check returns nil if the folder exists and belongs to this user. It returns an fs.ErrNotExist if nothing exists
// at the folder's path, and an [*OwnerError] or a [*KindError] if something else exists there.
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
		f.makePrivate() // ignore errors: the file system may have no modes, or may be read-only
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

// makePrivate removes the permissions that other users have for the folder.
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
			err = realSystem.mkdirAll(resolved.full()) // creates the target if path is a symbolic link
		}
	}
	return err
}

// withFolder calls the function act. It creates the folder first if the folder is missing. If the folder was
// deleted after it was checked, withFolder creates it again and calls act again.
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

// MkdirPrivate creates the folder dir, which the user has chosen. It works like [Folder.Make].
func MkdirPrivate(dir string) error { return NewFolder(dir).Make() }

// uncheck makes the next method call check the folder and all its parents again.
func (f *Folder) uncheck() {
	for ; f != nil; f = f.parent {
		f.mu.Lock()
		f.checked = false
		f.mu.Unlock()
	}
}

// Read returns the content of the file called name. If the file has more than max bytes, Read returns a
// [*TooLargeError].
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

// Write replaces the file called name with a file of mode 0600. It works like [Replace], but creates the folder if
// necessary. It returns an error if something other than a regular file of this user exists at the path.
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

// ErrHardLink reports that a file was not changed, because the file has another hard link.
var ErrHardLink = errors.New("the file has another hard link")

// Append opens the existing file called name for reading and appending, and returns the file's size. It returns
// [ErrHardLink] if the file has another hard link, because appending would also change the file at the other link.
// [Folder.Write] is safe in this case: it replaces only this name, and leaves the file at the other link unchanged.
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

// Touch empties the file called name and sets its modification time to the argument at. Touch creates the file if
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

// Entries returns the directory entries of the folder.
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
		} else if !errors.Is(err, fs.ErrNotExist) { // ignore a file that was deleted after the folder was listed
			all = append(all, err)
		}
	}
	return all
}

// Sweep deletes the temporary files that killed processes have left. It deletes only files that were last written
// before the time olderThan. The argument entries is the result of the method Entries. Sweep ignores errors, because
// leftover files do no harm.
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
