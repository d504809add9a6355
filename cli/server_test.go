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

// fetch is an HTTP client for scripts: fetch [-X METHOD] [-H NAME:VALUE]... [-t] [-unix SOCKET] URL... It prints the
// status and the body of each response. With -t it sends the token that containerToken returns.
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
		exitOn(err)
		r.Header = header
		resp, err := client.Do(r)
		exitOn(err)
		body, err := io.ReadAll(resp.Body)
		exitOn(err)
		resp.Body.Close()
		fmt.Printf("%d %s\n", resp.StatusCode, strings.TrimSpace(string(body)))
	}
}

// containerToken returns the token that an SDK would send to the credential server.
func containerToken() string {
	if path := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		text, err := os.ReadFile(path)
		exitOn(err)
		return string(text)
	}
	return os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
}

// managed contains the messages that a fake service manager has received from the services of a script.
type managed struct {
	socket *net.UnixConn
	heard  string
}

// manager implements a command of scripts. It starts a fake service manager, and sets NOTIFY_SOCKET for later commands.
func manager(ts *testscript.TestScript, _ bool, _ []string) {
	dir, err := os.MkdirTemp("", "manager-") // a short path, because the path of a socket must be short
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

var managers sync.Map // each *managed, keyed by the path of its socket

// told implements a command of scripts: told TEXT. It waits until the fake service manager has received the text.
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

// exitOn prints err and ends the test program if err is not nil.
func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
