package server

import (
	"net/netip"
	"path/filepath"

	"golang.org/x/sys/windows"

	"aws-vault/vault/peer"
)

// aliasCommand returns the command that adds the address to the loopback interface, or removes it if add is false.
// The command has a full path, because an administrator runs it and a search path could lead to another program.
func aliasCommand(add bool) ([]string, error) {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return nil, err
	}
	argv := []string{filepath.Join(system, "netsh.exe"), "interface", "ipv4", "delete", "address", "Loopback Pseudo-Interface 1", metadata.String()}
	if add {
		argv[3] = "add"
		argv = append(argv, "255.255.255.255")
	}
	return argv, nil
}

// Listen listens on the metadata service's address. It accepts only connections that pass the check.
func (*Alias) Listen(check peer.Check) (*peer.Listener, error) {
	return peer.Listen("tcp4", netip.AddrPortFrom(metadata, metadataPort).String(), check)
}
