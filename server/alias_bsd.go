//go:build unix && !linux

package server

// aliasCommand returns the command that adds or removes the address of the loopback interface. The program is
// named by its full path, because an administrator runs it.
func aliasCommand(add bool) ([]string, error) {
	if !add {
		return []string{"/sbin/ifconfig", "lo0", "-alias", metadata.String()}, nil
	}
	return []string{"/sbin/ifconfig", "lo0", "alias", metadata.String(), "netmask", "255.255.255.255"}, nil
}

// bindToLoopback does nothing here. Requests from other machines are refused later.
func bindToLoopback(int) error { return nil }
