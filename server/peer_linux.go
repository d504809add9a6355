package server

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

	"golang.org/x/sys/unix"
)

// PeersKnown says that this system tells whose a connection is.
const PeersKnown = true

// ownerOf is the number of the user at the other end of a connection.
func ownerOf(c net.Conn) (int, error) {
	switch c := c.(type) {
	case *net.UnixConn:
		cred, err := peerCredentials(c)
		if err != nil {
			return 0, err
		}
		return int(cred.Uid), nil
	case *net.TCPConn:
		s, err := socketOf(c)
		return s.uid, err
	}
	return 0, ErrUnknownPeer
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

// A socket is one as the kernel lists it.
type socket struct {
	uid   int
	inode string
}

// socketOf finds the socket at the other end of a connection within this machine.
func socketOf(c *net.TCPConn) (socket, error) {
	ours, theirs := c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			return socket{}, err
		}
		s, ok, err := findSocket(bufio.NewScanner(f), theirs, ours)
		f.Close()
		if ok || err != nil {
			return s, err
		}
	}
	return socket{}, ErrUnknownPeer
}

// findSocket looks for the socket with these addresses that a process has open.
// https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
func findSocket(table *bufio.Scanner, local, remote netip.AddrPort) (socket, bool, error) {
	for table.Scan() {
		f := strings.Fields(table.Text())
		if len(f) < 10 || f[9] == "0" {
			continue // the first line, or a socket that its process has closed
		}
		if from, err := kernelAddress(f[1]); err != nil || from != local {
			continue
		}
		if to, err := kernelAddress(f[2]); err != nil || to != remote {
			continue
		}
		uid, err := strconv.Atoi(f[7])
		if err != nil {
			return socket{}, false, fmt.Errorf("user %q of a socket: %w", f[7], err)
		}
		return socket{uid, f[9]}, true, nil
	}
	return socket{}, false, table.Err()
}

// kernelAddress reads an address as the kernel lists it: words in the machine's own order.
func kernelAddress(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("address %q", s)
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

// processOf is the process at the other end of a connection, where it is this user's.
func processOf(c net.Conn) Process {
	switch c := c.(type) {
	case *net.UnixConn:
		if cred, err := peerCredentials(c); err == nil {
			return Process{int(cred.Pid), nameOf(strconv.Itoa(int(cred.Pid)))}
		}
	case *net.TCPConn:
		if s, err := socketOf(c); err == nil {
			return holderOf("socket:[" + s.inode + "]")
		}
	}
	return Process{}
}

// holderOf is the first process that has a socket open.
func holderOf(link string) Process {
	files, err := filepath.Glob("/proc/[0-9]*/fd/*") // of other users' processes, none
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
		return Process{pid, nameOf(text)}
	}
	return Process{}
}

func nameOf(pid string) string {
	name, err := os.ReadFile("/proc/" + pid + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(name), "\n")
}
