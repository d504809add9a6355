package fakecard

import (
	"net"
	"syscall"
)

// acknowledge makes the kernel acknowledge the next segment immediately. The kernel forgets the setting,
// so it is set again each time.
func acknowledge(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { // errors are ignored: the connection is only slower then
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
