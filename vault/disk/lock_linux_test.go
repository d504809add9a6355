package disk

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Who waits for a lock stands in the kernel's own queue, and so is woken by whoever gives it on. One
// that looked again and again would never be seen there.
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
			t.Skip("the kernel lists no locks:", err)
		}
		return regexp.MustCompile(fmt.Sprintf(`(?m)^\d+: %sFLOCK .*:%d 0 EOF$`, queue, inode)).Match(locks)
	}
	if !listed("") {
		t.Skip("the kernel lists no locks of this file system")
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
			t.Fatal("who waits for the lock is not in its queue")
		}
	}
	select {
	case err := <-got:
		t.Errorf("the lock was given away while it was held: %v", err)
	default:
	}
	held.Close()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
