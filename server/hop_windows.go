package server

import "syscall"

func setHops(fd uintptr, hops int) error {
	return syscall.SetsockoptInt(syscall.Handle(fd), syscall.IPPROTO_IP, syscall.IP_TTL, hops)
}
