package system

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"unsafe"

	"golang.org/x/sys/windows"
)

// run runs a command and returns its exit status. The command shares the console of this process, and also
// receives Ctrl-C. So this process ignores Ctrl-C. If this process dies, the command and its child processes are
// killed.
func run(path string, argv, environ []string) (status int, err error) {
	release, err := joinKillJob()
	if err != nil {
		return 0, err
	}
	defer release()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	c := &exec.Cmd{Path: path, Args: argv, Env: environ, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	var failed *exec.ExitError
	switch err := c.Run(); {
	case errors.As(err, &failed):
		return failed.ExitCode(), nil
	case err != nil:
		return 0, err
	}
	return 0, nil
}

// IgnoreTerminalStops does nothing: Windows does not stop processes that use the console.
func IgnoreTerminalStops() (restore func()) { return func() {} }

// joinKillJob puts this process and the processes that it starts into a Windows job. Windows kills the processes of the
// job when this process ends. Call release to let background processes of the command survive.
// https://learn.microsoft.com/en-us/windows/win32/procthread/job-objects
func joinKillJob() (release func(), err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, os.NewSyscallError("CreateJobObject", err)
	}
	if err := limitJob(job, windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE); err != nil {
		windows.CloseHandle(job)
		return nil, err
	}
	if err := windows.AssignProcessToJobObject(job, windows.CurrentProcess()); err != nil {
		windows.CloseHandle(job)
		return nil, os.NewSyscallError("AssignProcessToJobObject", err)
	}
	return func() {
		if limitJob(job, 0) == nil { // while the limit is set, closing the handle would kill this process
			windows.CloseHandle(job)
		}
	}, nil
}

func limitJob(job windows.Handle, flags uint32) error {
	var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	limits.BasicLimitInformation.LimitFlags = flags
	_, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	return os.NewSyscallError("SetInformationJobObject", err)
}
