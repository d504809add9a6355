//go:build unix

package server

import "syscall"

func setHops(fd uintptr, hops int) error {
	return syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TTL, hops)
}
