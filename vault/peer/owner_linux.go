package peer

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const identifiesUnix = true

var wsl struct {
	sync.Once
	is bool
}

// identifiesTCP reports whether the owner of a TCP connection can be identified. It returns false on WSL. There, a
// relay that runs as root opens the connections of all Windows programs, so the user of the program is unknown.
func identifiesTCP() bool {
	wsl.Do(func() {
		release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // if the file cannot be read, assume that this is not WSL
		wsl.is = isWSL(string(release))
	})
	return !wsl.is
}

// isWSL reports whether release is the release name of a kernel that Microsoft builds for WSL. Microsoft's own tools
// check the name in the same way.
// https://github.com/microsoft/WSL/issues/423
func isWSL(release string) bool { return strings.Contains(strings.ToLower(release), "microsoft") }

// ownerOf returns the ID of the user whose process is at the other end of a connection.
func ownerOf(c net.Conn) (int, error) {
	uid, err := -1, errUnsupported
	switch c := c.(type) {
	case *net.UnixConn:
		var cred *unix.Ucred
		if cred, err = peerCredentials(c); err == nil {
			uid = int(cred.Uid)
		}
	case *net.TCPConn:
		var s socket
		s, err = socketOf(c)
		uid = s.uid
		if !identifiesTCP() && (err != nil || uid == 0) {
			return -1, errUnsupported // the program at the other end may be the relay of WSL
		}
	}
	if err == nil && isOverflow(uid) {
		return -1, errNoOwner
	}
	return uid, err
}

// isOverflow reports whether uid is the overflow ID and this user namespace does not map all user IDs. The overflow
// ID then represents all users outside of the namespace.
// https://man7.org/linux/man-pages/man7/user_namespaces.7.html ("Unmapped user and group IDs")
func isOverflow(uid int) bool {
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil || strings.TrimSpace(string(text)) != strconv.Itoa(uid) {
		return false
	}
	mapped, err := os.ReadFile("/proc/self/uid_map")
	return err != nil || !mapsAll(string(mapped))
}

// mapsAll reports whether uidMap, the uid_map file of a user namespace, maps all user IDs.
func mapsAll(uidMap string) bool {
	f := strings.Fields(uidMap)
	return len(f) == 3 && f[0] == "0" && f[2] == "4294967295"
}

func peerCredentials(c *net.UnixConn) (cred *unix.Ucred, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	if e := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); e != nil {
		return nil, e
	}
	return cred, err
}

// A socket is an entry in the kernel's table of TCP sockets.
type socket struct {
	uid   int
	inode string
}

// socketOf returns the socket at the other end of a connection. That end must be on this machine.
func socketOf(c *net.TCPConn) (socket, error) {
	ours, theirs := c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			return socket{uid: -1}, err
		}
		s, ok, err := findSocket(bufio.NewScanner(f), unmap(theirs), unmap(ours))
		f.Close()
		if ok || err != nil {
			return s, err
		}
	}
	return socket{uid: -1}, errNoOwner
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// synSent is the state of a socket that is still connecting. findSocket skips such sockets: after a client has closed
// its connection, another user could start to connect from the same address and port.
const synSent = "02"

// findSocket returns the connected socket with these addresses, unless its process has closed the socket.
// https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
func findSocket(table *bufio.Scanner, local, remote netip.AddrPort) (socket, bool, error) {
	for table.Scan() {
		f := strings.Fields(table.Text())
		if len(f) < 10 || f[9] == "0" || f[3] == synSent {
			continue // skip the header line, connecting sockets, and sockets that their process has closed
		}
		if from, err := kernelAddress(f[1]); err != nil || from != local {
			continue
		}
		if to, err := kernelAddress(f[2]); err != nil || to != remote {
			continue
		}
		uid, err := strconv.ParseUint(f[7], 10, 32)
		if err != nil {
			return socket{}, false, fmt.Errorf("kernel socket table: invalid user ID %q: %w", f[7], err)
		}
		return socket{int(uid), f[9]}, true, nil
	}
	return socket{}, false, table.Err()
}

// kernelAddress parses an address from the kernel's table: hexadecimal words in the machine's byte order.
func kernelAddress(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("invalid socket address %q", s)
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	a, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
}

// processOf returns the process at the other end of a connection. For a TCP connection, it returns the zero Process
// if this user may not inspect the other process.
func processOf(c net.Conn) Process {
	switch c := c.(type) {
	case *net.UnixConn:
		if cred, err := peerCredentials(c); err == nil {
			return ProcessByPID(int(cred.Pid))
		}
	case *net.TCPConn:
		if s, err := socketOf(c); err == nil {
			return processWithSocket("socket:[" + s.inode + "]")
		}
	}
	return Process{}
}

// processWithSocket returns the first process that has the socket open.
func processWithSocket(link string) Process {
	files, err := filepath.Glob("/proc/[0-9]*/fd/*") // only the files of this user's processes are readable
	if err != nil {
		return Process{}
	}
	for _, path := range files {
		if target, err := os.Readlink(path); err != nil || target != link {
			continue
		}
		text := strings.Split(path, "/")[2]
		pid, err := strconv.Atoi(text)
		if err != nil {
			return Process{}
		}
		return ProcessByPID(pid)
	}
	return Process{}
}

// describe returns the name and the executable of a process, or empty strings if this user may not inspect the process.
func describe(pid int) (name, executable string) {
	proc := "/proc/" + strconv.Itoa(pid)
	comm, err := os.ReadFile(proc + "/comm")
	if err != nil {
		return "", ""
	}
	executable, _ = os.Readlink(proc + "/exe")
	return strings.TrimSuffix(string(comm), "\n"), executable
}
