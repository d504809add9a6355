//go:build unix && !linux

package server

// aliasCommand returns the command that adds the address to the loopback interface, or removes it if add is false.
// The command has a full path, because an administrator runs it and a search path could lead to another program.
func aliasCommand(add bool) ([]string, error) {
	if !add {
		return []string{"/sbin/ifconfig", "lo0", "-alias", metadata.String()}, nil
	}
	return []string{"/sbin/ifconfig", "lo0", "alias", metadata.String(), "netmask", "255.255.255.255"}, nil
}

// bindToLoopback does nothing on BSD systems. Requests from other machines are refused after they are accepted.
func bindToLoopback(int) error { return nil }
