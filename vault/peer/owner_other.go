//go:build !linux && !darwin

package peer

import "net"

const tellsUnix = false

func tellsTCP() bool { return false }

func ownerOf(net.Conn) (int, error) { return -1, errUntold }

func processOf(net.Conn) Process { return Process{} }
