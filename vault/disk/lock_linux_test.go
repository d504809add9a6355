package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWaiterIsQueuedByKernel checks that a process that waits for a lock is in the kernel's queue. The kernel then
// wakes the process when the lock is released. A process that polls the lock would not be in this queue.
// https://man7.org/linux/man-pages/man5/proc_locks.5.html
func TestWaiterIsQueuedByKernel(t *testing.T) {
	path := lockPath(t)
	held, err := lockAt(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	info, err := held.f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	inode := info.Sys().(*syscall.Stat_t).Ino
	listed := func(queue string) bool {
		locks, err := os.ReadFile("/proc/locks")
		if err != nil {
			t.Skip("/proc/locks is not readable:", err)
		}
		return regexp.MustCompile(fmt.Sprintf(`(?m)^\d+: %sFLOCK .*:%d 0 EOF$`, queue, inode)).Match(locks)
	}
	if !listed("") {
		t.Skip("/proc/locks does not list locks on this file system")
	}
	got := make(chan error)
	go func() {
		next, err := lockAt(context.Background(), path)
		if err == nil {
			err = next.Close()
		}
		got <- err
	}()
	for late := time.Now().Add(30 * time.Second); !listed("-> "); runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatal("the waiting goroutine is not in the kernel's queue")
		}
	}
	select {
	case err := <-got:
		t.Errorf("the second lock was acquired while the first was held: %v", err)
	default:
	}
	held.Close()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// TestNoLocks checks the errors with which file systems report that they have no locks.
func TestNoLocks(t *testing.T) {
	for _, cause := range []error{unix.ENOLCK, unix.ENOSYS, unix.EOPNOTSUPP} {
		var none *NoLocksError
		err := lockError("/home/alice/lock", &os.SyscallError{Syscall: "flock", Err: cause})
		if !errors.As(err, &none) || none.Path != "/home/alice/lock" || !errors.Is(err, cause) {
			t.Errorf("%v: got %v, want a *NoLocksError", cause, err)
		}
	}
	var none *NoLocksError
	if err := lockError("/home/alice/lock", unix.EIO); errors.As(err, &none) || !errors.Is(err, unix.EIO) {
		t.Errorf("an I/O error: got %v", err)
	}
}
