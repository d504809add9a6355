package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// LockFile is a lock between processes. It is held until Close or the end of this process. A LockFile also
// excludes other LockFiles of the same process.
type LockFile struct {
	f     *os.File
	links uint64 // number of names (hard links) of the file
}

// Lock acquires the lock in the file called name, which is created with mode 0600 if it is missing. It waits
// until ctx ends, and then returns the cause.
func (f *Folder) Lock(ctx context.Context, name string) (l *LockFile, err error) {
	err = f.withFolder(func() error {
		l, err = lockAt(ctx, f.File(name))
		return err
	})
	return l, err
}

// TryLock acquires the lock in the file called name if it is free. Otherwise it returns false at once.
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

// wait waits until the lock at path is acquired or ctx ends. It returns nil and no error if another file has
// replaced the one that it waited for.
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
		// The system call cannot be cancelled. When it returns, the lock is released.
		go func() {
			<-done
			f.Close()
		}()
		return nil, context.Cause(ctx)
	}
}

// RemoveLock deletes the lock file called name, unless the lock is held. A process that waits for the lock at
// that moment detects the deletion, and locks the new file: see verifyLock.
func (f *Folder) RemoveLock(name string) error {
	l, held, err := f.TryLock(name)
	if err != nil || !held {
		return err
	}
	return removeLock(f.File(name), l)
}

// verifyLock returns the lock on f if f is still the file at path. Otherwise it closes f. The file may have
// been deleted meanwhile, by RemoveLock or together with the state folder. A lock on a deleted file does not
// exclude processes that lock the new file.
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

// Close releases the lock. The note stays in the file.
func (l *LockFile) Close() error {
	// Unlock explicitly: a child process between fork and exec shares the file, and would otherwise still
	// hold the lock.
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
