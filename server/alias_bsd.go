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

// bindToLoopback does nothing on macOS and BSD systems. There, other machines may be able to connect to the address, but
// the [Filter] refuses their requests.
func bindToLoopback(int) error { return nil }
