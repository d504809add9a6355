package cli_test

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// activate is the program activate of scripts: activate NETWORK ADDRESS PROGRAM [ARGUMENT]... It opens a listener
// at the address, and passes the open listener to PROGRAM, as systemd's socket activation does.
func activate(args []string) {
	l, err := net.Listen(args[0], args[1])
	exitOn(err)
	f, err := l.(interface{ File() (*os.File, error) }).File()
	exitOn(err)
	path, err := exec.LookPath(args[2])
	exitOn(err)
	const first = 3
	exitOn(syscall.Dup3(int(f.Fd()), first, 0))
	environ := append(os.Environ(), "LISTEN_PID="+strconv.Itoa(os.Getpid()), "LISTEN_FDS=1")
	exitOn(syscall.Exec(path, args[2:], environ))
}
