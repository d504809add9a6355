package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestNoBus checks that the program neither connects to a session bus nor launches one when it starts. A library that
// the program imports could do this before main runs.
func TestNoBus(t *testing.T) {
	dir := t.TempDir()
	socket, launched := filepath.Join(dir, "bus"), filepath.Join(dir, "launched")
	bus, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	launcher := "#!/bin/sh\n: >" + launched + "\n"
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte(launcher), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=" + socket, "NO_BUS=1"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // needed because this bus never responds
		defer cancel()
		c := exec.CommandContext(ctx, os.Args[0], "version")
		c.Env = []string{asProgram + "=1", "HOME=" + dir, "PATH=" + dir, "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), address}
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	if _, err := os.Stat(launched); err == nil {
		t.Error("the program launched a session bus")
	}
	// Accept returns connections in the order in which they were made. If the program has connected, Accept returns
	// the program's connection. Otherwise Accept returns the connection that the test makes here, which sends "ours".
	ours, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ours.Write([]byte("ours"))
	ours.Close()
	first, err := bus.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	output := make([]byte, 4)
	if n, _ := first.Read(output); string(output[:n]) != "ours" {
		t.Error("the program connected to the session bus")
	}
}
