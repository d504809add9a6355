//go:build !linux

package server

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
)

// An Alias is the address of the EC2 metadata service, added to this machine's loopback interface. If this process
// is killed, the address remains, and the next call to NewAlias uses it.
type Alias struct{}

// NewAlias adds the address. It returns the system's error if this process has no administrator rights.
func NewAlias() (*Alias, error) {
	here, err := aliasExists()
	if err != nil || here {
		return &Alias{}, err
	}
	return &Alias{}, configure(true)
}

// Close removes the address from the loopback interface.
func (*Alias) Close() error { return configure(false) }

func aliasExists() (bool, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false, err
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == metadata {
			return true, nil
		}
	}
	return false, nil
}

func configure(add bool) error {
	argv, err := aliasCommand(add)
	if err != nil {
		return err
	}
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %.200q", strings.Join(argv, " "), err, out)
	}
	return nil
}
