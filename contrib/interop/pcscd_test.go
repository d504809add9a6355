//go:build interop && linux

package interop

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aws-vault/internal/fakecard"
)

// pcscdSocket is the path of the socket of Debian's pcscd. pcscd cannot use another path.
const pcscdSocket = "/run/pcscd/pcscd.comm"

// needPCSCD skips a test in three cases: pcscd or one of the programs is not installed, the test does not run as root,
// or a pcscd is already running.
func needPCSCD(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range append(programs, "pcscd", "vpcd-config") {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("needs %s: %v", p, err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, as pcscd listens in /run")
	}
	if _, err := os.Stat(pcscdSocket); err == nil {
		t.Skip("a pcscd runs here already")
	}
}

// startPCSCD connects two cards to Debian's pcscd, as the readers "Virtual PCD 00 00" and "Virtual PCD 00 01". pcscd's
// driver connects to the cards on two consecutive ports.
func startPCSCD(t *testing.T, first, second *fakecard.Card) {
	t.Helper()
	a, b, port := twoPorts(t)
	dir := newHome(t)
	conf := fmt.Sprintf("FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME 127.0.0.1:0x%04X\nLIBPATH %s\nCHANNELID 0x%04X\n", port, vpcdDriver(t), port)
	if err := os.WriteFile(filepath.Join(dir, "vpcd"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(pcscdSocket), 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("pcscd", "--foreground", "--info", "--config", dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for l, k := range map[net.Listener]*fakecard.Card{a: first, b: second} {
		go func() { ended <- serveReader(l, k) }()
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
		a.Close()
		b.Close()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		os.Remove(pcscdSocket)
	})
	awaitLines(t, out, "daemon ready", "Card ATR", "Card ATR")
}

// serveReader accepts connections from pcscd's driver and connects each to the card. It returns when the listener
// is closed or a connection fails.
func serveReader(l net.Listener, k *fakecard.Card) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		if err := k.ServeVPCD(conn); err != nil {
			return err
		}
	}
}

// twoPorts listens on two consecutive ports.
func twoPorts(t *testing.T) (a, b net.Listener, port int) {
	t.Helper()
	for range 50 {
		a, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := a.Addr().(*net.TCPAddr).Port
		b, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1))
		if err == nil {
			return a, b, port
		}
		a.Close()
	}
	t.Fatal("no two free ports follow each other")
	return nil, nil, 0
}

func vpcdDriver(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/pcsc/drivers/serial/libifdvpcd.so*")
	if err != nil || len(found) == 0 {
		t.Skip("needs vpcd's driver for pcscd")
	}
	return found[0]
}

// awaitLines reads lines from out, and returns when each text in want has appeared in a line, in any order. After
// that, it discards the rest of out in the background, so that the program that writes to out is not blocked.
func awaitLines(t *testing.T, out interface{ Read([]byte) (int, error) }, want ...string) {
	t.Helper()
	all := make(chan string, 1)
	go func() {
		var log strings.Builder
		left := append([]string(nil), want...)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			for i, w := range left {
				if strings.Contains(lines.Text(), w) {
					left = append(left[:i], left[i+1:]...)
					break
				}
			}
			if len(left) == 0 && want != nil {
				all <- ""
				want = nil
			}
		}
		if want != nil {
			all <- log.String()
		}
	}()
	select {
	case log := <-all:
		if log != "" {
			t.Fatalf("pcscd exited; its output was\n%s", log)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("pcscd did not say %q", want)
	}
}
