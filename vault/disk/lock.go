package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// LockFile is a lock between processes that this one holds until Close, or until it ends in
// whatever way. One LockFile excludes every other, in this process too.
type LockFile struct {
	f     *os.File
	links uint64 // that the file has
}

// Lock takes the lock in the file called name, which is created 0600 if missing, and waits for it
// until ctx ends. What comes back then is the cause of that end.
func (f *Folder) Lock(ctx context.Context, name string) (l *LockFile, err error) {
	err = f.withFolder(func() error {
		l, err = lockAt(ctx, f.File(name))
		return err
	})
	return l, err
}

// TryLock takes the lock in the file called name if nobody holds it, and otherwise comes back with
// false at once.
func (f *Folder) TryLock(name string) (l *LockFile, held bool, err error) {
	err = f.withFolder(func() error {
		l, held, err = tryLockAt(f.File(name))
		return err
	})
	return l, held, err
}

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

// wait blocks until the lock at path is ours or ctx has ended. It returns nil without an error
// if the file that it waited at is no longer the one at path.
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
		// The system's call cannot be called off: whenever it comes back, the lock is given on.
		go func() {
			<-done
			f.Close()
		}()
		return nil, context.Cause(ctx)
	}
}

// RemoveLock removes the lock file called name, unless somebody holds the lock. A process that waits
// for the lock, or is about to take it, notices that its file is gone and locks the new one: see
// confirm.
func (f *Folder) RemoveLock(name string) error {
	l, held, err := f.TryLock(name)
	if err != nil || !held {
		return err
	}
	return removeLock(f.File(name), l)
}

// verifyLock returns the lock on f if f is still the file at path, and closes it otherwise. The file may
// have been removed meanwhile, by RemoveLock or with the whole state folder, and a lock on a removed
// file does not exclude those that lock the new one.
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

// Close gives the lock on. What the file says stays.
func (l *LockFile) Close() error {
	// A child between fork and exec shares the file for a moment, and closing alone would leave it the lock.
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

func lockError(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: lock: %w", path, err)
}
