package cli_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// fetch is a client of the servers: fetch [-X METHOD] [-H NAME:VALUE]... [-t] [-unix SOCKET] URL...
// It prints the status and what is answered; -t shows the container's token.
func fetch(args []string) {
	flags := flag.NewFlagSet("fetch", flag.ExitOnError)
	method := flags.String("X", "GET", "")
	socket := flags.String("unix", "", "")
	token := flags.Bool("t", false, "")
	header := http.Header{}
	flags.Func("H", "", func(s string) error {
		name, value, _ := strings.Cut(s, ":")
		header.Add(name, strings.TrimSpace(value))
		return nil
	})
	flags.Parse(args)
	if *token {
		header.Set("Authorization", containerToken())
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if *socket != "" {
			network, addr = "unix", *socket
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}}
	for _, url := range flags.Args() {
		r, err := http.NewRequest(*method, url, nil)
		sure(err)
		r.Header = header
		resp, err := client.Do(r)
		sure(err)
		body, err := io.ReadAll(resp.Body)
		sure(err)
		resp.Body.Close()
		fmt.Printf("%d %s\n", resp.StatusCode, strings.TrimSpace(string(body)))
	}
}

// containerToken is what an SDK would show.
func containerToken() string {
	if path := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		text, err := os.ReadFile(path)
		sure(err)
		return string(text)
	}
	return os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
}

// A managed is what a service manager has heard of a script's services.
type managed struct {
	socket *net.UnixConn
	heard  string
}

// manager is a service manager for the services that a script starts from then on.
func manager(ts *testscript.TestScript, _ bool, _ []string) {
	dir, err := os.MkdirTemp("", "manager-") // a short path, as it is a socket's
	ts.Check(err)
	path := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	ts.Check(err)
	ts.Defer(func() {
		c.Close()
		os.RemoveAll(dir)
	})
	ts.Setenv("NOTIFY_SOCKET", path)
	managers.Store(path, &managed{socket: c})
}

var managers sync.Map // of *managed, by the path of its socket

// told waits until a service has told its manager a text: told TEXT.
func told(ts *testscript.TestScript, _ bool, args []string) {
	found, _ := managers.Load(ts.Getenv("NOTIFY_SOCKET"))
	m := found.(*managed)
	m.socket.SetReadDeadline(time.Now().Add(30 * time.Second))
	for !strings.Contains(m.heard, args[0]) {
		text := make([]byte, 4096)
		n, err := m.socket.Read(text)
		if err != nil {
			ts.Fatalf("%v; heard %q", err, m.heard)
		}
		m.heard += string(text[:n]) + "\n"
	}
	_, m.heard, _ = strings.Cut(m.heard, args[0])
}

// sure ends a program of the tests that cannot go on.
func sure(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
