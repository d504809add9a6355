package server

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"aws-vault/vault/peer"

	"golang.org/x/sys/unix"
)

// aliasVariable is an environment variable. It is set in the process that runs the test inside a network namespace.
const aliasVariable = "TEST_ALIAS_INSIDE"

func TestAlias(t *testing.T) {
	if os.Getenv(aliasVariable) == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestAlias$", "-test.timeout=60s")
		c.Env = append(os.Environ(), aliasVariable+"=1")
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWNET | unix.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		out, err := c.CombinedOutput()
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) {
			t.Skipf("cannot create a network namespace: %v", err)
		}
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	alias, err := NewAlias()
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewAlias() // the address exists already, as if a killed process had left it
	if err != nil {
		t.Fatal(err)
	}
	l, err := alias.Listen(peer.ThisUser())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Addr().String() != "169.254.169.254:80" {
		t.Errorf("the listener's address is %s", l.Addr())
	}
	if _, err := second.Listen(peer.ThisUser()); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("error %v for a second listener, want that the address is in use", err)
	}
	if err := alias.Close(); err != nil {
		t.Fatal(err)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if strings.HasPrefix(a.String(), metadata.String()) {
			t.Error("the address was not removed")
		}
	}
	var gone *net.OpError
	if err := second.Close(); !errors.Is(err, unix.EADDRNOTAVAIL) || !errors.As(err, &gone) {
		t.Errorf("Close of a missing address returned %v", err)
	}
}

// If the process has no permission to configure the network, NewAlias returns EPERM.
func TestAliasWithoutRights(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root has the permission")
	}
	if _, err := NewAlias(); !errors.Is(err, unix.EPERM) {
		t.Errorf("NewAlias returned %v, want EPERM", err)
	}
}
