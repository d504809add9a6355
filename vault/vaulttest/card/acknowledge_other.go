//go:build !linux

package card

import "net"

func acknowledge(net.Conn) {}
