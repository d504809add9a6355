//go:build !linux && !darwin

package peer

import "net"

const identifiesUnix = false

func identifiesTCP() bool { return false }

func ownerOf(net.Conn) (int, error) { return -1, errUnsupported }

func processOf(net.Conn) Process { return Process{} }

func describe(int) (name, executable string) { return "", "" }
