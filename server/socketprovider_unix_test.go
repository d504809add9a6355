//go:build unix

package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aws-vault/vault/peer"

	"golang.org/x/sys/unix"
)

// offerSocket hands over a socket of a port of its own.
func offerSocket(t *testing.T, who peer.Check) (path, addr string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	bound := os.NewFile(uintptr(fd), "bound")
	t.Cleanup(func() { bound.Close() })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	a := free.Addr().(*net.TCPAddr)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	// Only a port that was named stays with a socket that listens no more.
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: a.Port}); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "s")
	l, err := peer.Listen("unix", path, who)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- (&SocketProvider{Socket: bound}).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return path, a.String()
}

func TestSocketProvider(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root hands over")
	}
	path, addr := offerSocket(t, peer.ThisUser())
	for range 3 {
		if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("error %v while nobody has the socket, want a refusal", err)
		}
		var l *ReceivedListener
		var err error
		for l == nil { // until the one before is known to be gone
			if l, err = ReceiveSocket(path, peer.ThisUser()); err != nil && !strings.Contains(err.Error(), replyInUse) {
				t.Fatal(err)
			}
		}
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
		if _, err := ReceiveSocket(path, peer.ThisUser()); err == nil || !strings.Contains(err.Error(), replyInUse) {
			t.Errorf("error %v for a second process, want that it is out", err)
		}
		resp, err := http.Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(text) != "hello" {
			t.Errorf("answer %q", text)
		}
		http.DefaultClient.CloseIdleConnections()
		l.Close()
		for err = nil; !errors.Is(err, syscall.ECONNREFUSED); { // the other side is told a moment later
			var c net.Conn
			if c, err = net.Dial("tcp", addr); err == nil {
				c.Close()
			}
		}
	}
}

func TestSocketProviderRefusesOtherUsers(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root is given the socket of any user")
	}
	path, _ := offerSocket(t, peer.Check{UID: os.Getuid() + 1})
	if l, err := ReceiveSocket(path, peer.ThisUser()); err == nil {
		l.Close()
		t.Error("another user was given the socket")
	}
}

// Where something else answers, nothing is taken from it.
func TestReceiveSocketErrors(t *testing.T) {
	if _, err := ReceiveSocket(filepath.Join(t.TempDir(), "none"), peer.ThisUser()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that nothing is there", err)
	}
	for _, says := range []string{"", replyGranted, "go away"} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if c, err := l.Accept(); err == nil {
				io.WriteString(c, says)
				c.Close()
			}
		}()
		if got, err := ReceiveSocket(path, peer.ThisUser()); err == nil {
			got.Close()
			t.Errorf("something was taken from who says %q", says)
		}
		l.Close()
	}
}
