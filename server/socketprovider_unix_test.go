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

// offerSocket starts a SocketProvider. The socket that it provides is bound to a free port.
func offerSocket(t *testing.T, check peer.Check) (path, addr string) {
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
	// Set the port explicitly: a port that the system chooses is lost when the socket stops listening.
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: a.Port}); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "s")
	l, err := peer.Listen("unix", path, check)
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
		t.Skip("ReceiveSocket accepts only root's socket")
	}
	path, addr := offerSocket(t, peer.ThisUser())
	for range 3 {
		if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("Dial returned %v while no process has the socket, want a refused connection", err)
		}
		var l *ReceivedListener
		var err error
		for l == nil { // retry until the provider has noticed that the previous process has ended
			if l, err = ReceiveSocket(path, peer.ThisUser()); err != nil && !strings.Contains(err.Error(), replyInUse) {
				t.Fatal(err)
			}
		}
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
		if _, err := ReceiveSocket(path, peer.ThisUser()); err == nil || !strings.Contains(err.Error(), replyInUse) {
			t.Errorf("a second ReceiveSocket returned %v, want that the socket is in use", err)
		}
		resp, err := http.Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(text) != "hello" {
			t.Errorf("the response is %q", text)
		}
		http.DefaultClient.CloseIdleConnections()
		l.Close()
		for err = nil; !errors.Is(err, syscall.ECONNREFUSED); { // retry until the provider has noticed Close
			var c net.Conn
			if c, err = net.Dial("tcp", addr); err == nil {
				c.Close()
			}
		}
	}
}

func TestSocketProviderRefusesOtherUsers(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may receive the socket of any user")
	}
	path, _ := offerSocket(t, peer.Check{UID: os.Getuid() + 1})
	if l, err := ReceiveSocket(path, peer.ThisUser()); err == nil {
		l.Close()
		t.Error("another user received the socket")
	}
}

// ReceiveSocket fails if no SocketProvider listens at path.
func TestReceiveSocketErrors(t *testing.T) {
	if _, err := ReceiveSocket(filepath.Join(t.TempDir(), "none"), peer.ThisUser()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ReceiveSocket returned %v, want fs.ErrNotExist", err)
	}
	for _, reply := range []string{"", replyGranted, "go away"} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if c, err := l.Accept(); err == nil {
				io.WriteString(c, reply)
				c.Close()
			}
		}()
		if got, err := ReceiveSocket(path, peer.ThisUser()); err == nil {
			got.Close()
			t.Errorf("ReceiveSocket succeeded with a program that replies %q", reply)
		}
		l.Close()
	}
}
