//go:build amd64 || arm64

package cli_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An act is a system call of a program: a verb such as "read", and the path or the kind of socket that the call uses.
type act struct{ verb, of string }

// traced runs a program and returns the system calls of the program and its child processes, in order. It traces each
// process until the process exits or calls execve. The output of the program goes to out. The exit status must be 0.
func traced(t *testing.T, out *os.File, environ []string, argv ...string) []act {
	t.Helper()
	acts, status := tracedToEnd(t, out, environ, argv...)
	if status != 0 {
		printed, _ := os.ReadFile(out.Name())
		t.Fatalf("%v: exit status %d\n%s", argv[1:], status, printed)
	}
	return acts
}

// tracedToEnd is like traced, but also returns the exit status, which can have any value.
func tracedToEnd(t *testing.T, out *os.File, environ []string, argv ...string) ([]act, int) {
	t.Helper()
	type end struct {
		acts   []act
		status syscall.WaitStatus
		err    error
	}
	ended := make(chan end)
	go func() {
		runtime.LockOSThread() // only this thread can trace the processes; when this thread ends, the processes end too
		tr := &tracer{stopped: map[int]bool{}}
		status, err := tr.run(out, environ, argv)
		ended <- end{tr.acts, status, err}
	}()
	e := <-ended
	if errors.Is(e.err, syscall.EPERM) || errors.Is(e.err, syscall.ENOSYS) || errors.Is(e.err, syscall.EIO) {
		t.Skipf("ptrace is not allowed on this system: %v", e.err)
	}
	if e.err != nil {
		printed, _ := os.ReadFile(out.Name())
		t.Fatalf("%v: %v\n%s", argv[1:], e.err, printed)
	}
	return e.acts, e.status.ExitStatus()
}

// A tracer traces the threads and processes of a program.
// https://man7.org/linux/man-pages/man2/ptrace.2.html
type tracer struct {
	acts    []act
	stopped map[int]bool // threads whose first stop was handled
}

// waitOptions makes wait4 wait for all threads and processes that this thread traces, but not for children of other
// tests.
const waitOptions = unix.WALL | unix.WNOTHREAD

const traceOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACECLONE |
	unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC

func (tr *tracer) run(out *os.File, environ, argv []string) (syscall.WaitStatus, error) {
	var ws unix.WaitStatus
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env: environ, Files: []uintptr{null.Fd(), out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, fmt.Errorf("start: %w", err)
	}
	if _, err := unix.Wait4(pid, &ws, waitOptions, nil); err != nil {
		return 0, fmt.Errorf("wait for the start: %w", err)
	}
	tr.stopped[pid] = true
	if err := unix.PtraceSetOptions(pid, traceOptions); err != nil {
		return 0, fmt.Errorf("follow: %w", err)
	}
	for tid := pid; ; {
		if err := tr.resume(tid, ws); err != nil && !errors.Is(err, unix.ESRCH) { // ESRCH means that the thread was killed
			return 0, err
		}
		if tid, err = unix.Wait4(-1, &ws, waitOptions, nil); err != nil {
			return 0, fmt.Errorf("wait: %w", err)
		}
		if tid == pid && (ws.Exited() || ws.Signaled()) {
			return syscall.WaitStatus(ws), nil
		}
	}
}

// resume records the system call at which a thread has stopped, and then continues the thread.
func (tr *tracer) resume(tid int, ws unix.WaitStatus) error {
	const atSyscall = unix.SIGTRAP | 0x80 // the signal of a stop at a system call; PTRACE_O_TRACESYSGOOD adds the bit 0x80
	switch signal := ws.StopSignal(); {
	case !ws.Stopped():
		return nil
	case signal == atSyscall:
		if err := tr.note(tid); err != nil {
			return err
		}
	case signal == unix.SIGTRAP && ws.TrapCause() == unix.PTRACE_EVENT_EXEC:
		return unix.PtraceDetach(tid) // after execve, the thread runs another program
	case signal == unix.SIGTRAP:
	case signal == unix.SIGSTOP && !tr.stopped[tid]:
		tr.stopped[tid] = true
	default:
		return unix.PtraceSyscall(tid, int(signal))
	}
	return unix.PtraceSyscall(tid, 0)
}

// A syscallInfo is the kernel's struct ptrace_syscall_info for a thread that enters a system call.
type syscallInfo struct {
	op     uint8
	_      [3]uint8
	arch   uint32
	ip, sp uint64
	number uint64
	args   [6]uint64
}

const atEntry = 1 // the value of PTRACE_SYSCALL_INFO_ENTRY

// statCall is the number of the system call newfstatat. The package unix has a different name for it on each
// architecture.
var statCall = map[string]uint64{"amd64": 262, "arm64": 79}[runtime.GOARCH]

// note adds the system call of a thread to the list acts.
func (tr *tracer) note(tid int) error {
	var c syscallInfo
	if _, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(c), uintptr(unsafe.Pointer(&c)), 0, 0); errno != 0 {
		return fmt.Errorf("look at a call: %w", errno)
	}
	if c.op != atEntry {
		return nil
	}
	add := func(verb, of string) { tr.acts = append(tr.acts, act{verb, of}) }
	switch c.number {
	case unix.SYS_OPENAT:
		add(openVerb(int(c.args[2])), pathAt(tid, c.args[0], c.args[1]))
	case statCall:
		if path := text(tid, c.args[1]); path != "" { // if there is no path, the call is for a file that is already open
			add("stat", pathAt(tid, c.args[0], c.args[1]))
		}
	case unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2:
		add("access", pathAt(tid, c.args[0], c.args[1]))
	case unix.SYS_READLINKAT:
		add("readlink", pathAt(tid, c.args[0], c.args[1]))
	case unix.SYS_MKDIRAT:
		add("mkdir", pathAt(tid, c.args[0], c.args[1]))
	case unix.SYS_UNLINKAT:
		add("remove", pathAt(tid, c.args[0], c.args[1]))
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		add("rename to", pathAt(tid, c.args[2], c.args[3]))
	case unix.SYS_FLOCK:
		if c.args[1]&unix.LOCK_UN == 0 {
			add("lock", descriptor(tid, c.args[0]))
		}
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		add("sync", descriptor(tid, c.args[0]))
	case unix.SYS_SOCKET:
		add("socket", map[uint64]string{unix.AF_UNIX: "unix", unix.AF_INET: "inet", unix.AF_INET6: "inet"}[c.args[0]])
	case unix.SYS_CONNECT:
		add("connect", "")
	case unix.SYS_EXECVE:
		add("run", text(tid, c.args[0]))
	}
	return nil
}

func openVerb(flags int) string {
	switch {
	case flags&unix.O_DIRECTORY != 0:
		return "list"
	case flags&unix.O_ACCMODE != unix.O_RDONLY:
		return "write"
	}
	return "read"
}

// pathAt returns the path of a file. The parameters are the descriptor of a folder, and the address of a path in the
// folder.
func pathAt(tid int, dir, name uint64) string {
	path := text(tid, name)
	switch {
	case filepath.IsAbs(path):
		return path
	case int32(dir) == unix.AT_FDCWD:
		return path
	}
	return filepath.Join(descriptor(tid, dir), path)
}

func descriptor(tid int, fd uint64) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(fd)))
	if err != nil {
		return "(closed descriptor)"
	}
	return path
}

// text reads the string at an address in another process. It reads one page at a time, because reading the next page
// fails if that page is not mapped.
func text(tid int, address uint64) string {
	const page = 4096
	var b []byte
	for len(b) < page {
		chunk := make([]byte, page-address%page)
		local := []unix.Iovec{{Base: &chunk[0]}}
		local[0].SetLen(len(chunk))
		n, err := unix.ProcessVMReadv(tid, local, []unix.RemoteIovec{{Base: uintptr(address), Len: len(chunk)}}, 0)
		if err != nil {
			return "(unreadable text)"
		}
		for i, c := range chunk[:n] {
			if c == 0 {
				return string(append(b, chunk[:i]...))
			}
		}
		b, address = append(b, chunk[:n]...), address+uint64(n)
	}
	return "(unterminated text)"
}
