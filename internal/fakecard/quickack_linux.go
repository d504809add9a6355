package fakecard

import (
	"net"
	"syscall"
)

// acknowledge makes the kernel acknowledge the next TCP segment immediately. It must be called again for each segment,
// because the kernel does not keep the setting.
func acknowledge(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { // errors are ignored, because they only make the connection slower
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
