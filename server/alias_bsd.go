//go:build unix && !linux

package server

// aliasCommand changes the addresses of the loopback interface. The program is named by
// its path, since an administrator runs it.
func aliasCommand(add bool) ([]string, error) {
	if !add {
		return []string{"/sbin/ifconfig", "lo0", "-alias", metadata.String()}, nil
	}
	return []string{"/sbin/ifconfig", "lo0", "alias", metadata.String(), "netmask", "255.255.255.255"}, nil
}

// bindToLoopback does nothing: whoever asks from elsewhere is turned away later.
func bindToLoopback(int) error { return nil }
