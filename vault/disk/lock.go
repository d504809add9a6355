package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// LockFile is a lock that this process holds until Close is called or the process ends. Until then, no other process
// and no other LockFile of this process can have the lock.
type LockFile struct {
	f     *os.File
	links uint64 // number of hard links of the file
}

// Lock acquires the lock of the file called name, and creates the file with mode 0600 if it is missing. It waits
// until the lock is free. If ctx ends first, it returns the cause of ctx.
func (f *Folder) Lock(ctx context.Context, name string) (l *LockFile, err error) {
	err = f.withFolder(func() error {
		l, err = lockAt(ctx, f.File(name))
		return err
	})
	return l, err
}

// TryLock acquires the lock of the file called name if the lock is free. Otherwise it returns false at once.
func (f *Folder) TryLock(name string) (l *LockFile, held bool, err error) {
	err = f.withFolder(func() error {
		l, held, err = tryLockAt(f.File(name))
		return err
	})
	return l, held, err
}

// LockOpenFile locks a file that is already open, and waits until the lock is free. Closing the file releases the lock.
func LockOpenFile(f *os.File) error { return lockFile(f) }

func lockAt(ctx context.Context, path string) (*LockFile, error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		l, held, err := tryLockAt(path)
		if err != nil || held {
			return l, err
		}
		l, err = wait(ctx, path)
		if err != nil || l != nil {
			return l, err
		}
	}
}

func tryLockAt(path string) (*LockFile, bool, error) {
	for {
		f, err := openLock(path)
		if err != nil {
			return nil, false, err
		}
		held, err := tryLockFile(f)
		if err != nil || !held {
			f.Close()
			return nil, false, lockError(path, err)
		}
		l, err := verifyLock(path, f)
		if err != nil || l != nil {
			return l, l != nil, err
		}
	}
}

// wait waits until it has acquired the lock at path, or until ctx ends. If the file at path was deleted or replaced
// during the wait, wait returns nil and no error.
func wait(ctx context.Context, path string) (*LockFile, error) {
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- lockFile(f) }()
	select {
	case err := <-done:
		if err != nil {
			f.Close()
			return nil, lockError(path, err)
		}
		return verifyLock(path, f)
	case <-ctx.Done():
		// The waiting system call cannot be cancelled. When it returns later, close the file to release the lock.
		go func() {
			<-done
			f.Close()
		}()
		return nil, context.Cause(ctx)
	}
}

// RemoveLock deletes the lock file called name, unless its lock is held. A process that waits for this lock detects
// that the file was deleted, and locks the new file: see verifyLock.
func (f *Folder) RemoveLock(name string) error {
	l, held, err := f.TryLock(name)
	if err != nil || !held {
		return err
	}
	return removeLock(f.File(name), l)
}

// verifyLock returns the lock of f if f is still the file at path. Otherwise it closes f and returns nil.
// RemoveLock, or a deletion of the state folder, may have removed the file since f was opened. A lock on a deleted
// file does not exclude processes that lock the new file at path.
func verifyLock(path string, f *os.File) (*LockFile, error) {
	ours, err := f.Stat()
	if err == nil {
		var there fs.FileInfo
		there, err = os.Lstat(path)
		if err == nil && os.SameFile(ours, there) {
			return &LockFile{f: f, links: linkCount(ours)}, nil
		}
	}
	f.Close()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return nil, nil
}

// Close releases the lock. The note remains in the file.
func (l *LockFile) Close() error {
	// Closing the file is not enough: a child process has a copy of the descriptor between fork and exec, and would
	// keep the lock held.
	err := unlockFile(l.f)
	if closing := l.f.Close(); err == nil {
		err = closing
	}
	return err
}

func openLock(path string) (*os.File, error) {
	f, _, err := openOwned(path, os.O_RDWR|os.O_CREATE)
	return f, err
}

// NoLocksError reports that the file system of the file at Path has no locks. Examples are NFS without a lock service,
// and Lustre without the mount option flock.
type NoLocksError struct {
	Path string
	Err  error
}

func (e *NoLocksError) Error() string {
	return fmt.Sprintf("%s: the file system does not support locks: %v", e.Path, e.Err)
}

func (e *NoLocksError) Unwrap() error { return e.Err }

func lockError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case isUnsupportedLock(err):
		return &NoLocksError{path, err}
	}
	return fmt.Errorf("%s: lock: %w", path, err)
}
