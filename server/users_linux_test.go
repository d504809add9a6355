package server

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/peer"
)

// Each server serves requests from its user and from root. It refuses requests from other users, even with the right
// token.
func TestOtherUsers(t *testing.T) {
	dir, err := os.MkdirTemp("", "server") // a short path that all users can reach
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		t.Skip(fakeaws.ErrNotRoot)
	}
	const alice, bob = 12345, 54321
	ecs := func(addr string) http.Handler {
		return ecsOn(addr, &Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE")})
	}
	ec2 := func(addr string) http.Handler {
		e := ec2On(addr)
		e.V1 = true
		return e
	}
	for _, c := range []struct {
		name, network, at, path string
		handler                 func(string) http.Handler
	}{
		{"ECS", "tcp", "127.0.0.1:0", "/", ecs},
		{"ECS at a socket", "unix", filepath.Join(dir, "s"), "/", ecs},
		{"EC2", "tcp", "127.0.0.1:0", credentialsPath + "/" + roleName, ec2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var refusals []string
			who := peer.Check{UID: alice, Refused: func(err error) { refusals = append(refusals, err.Error()) }}
			l, err := peer.Listen(c.network, c.at, who)
			if err != nil {
				t.Fatal(err)
			}
			host := "localhost:80"
			if c.network == "tcp" {
				host = l.Addr().String()
			} else if err := os.Chmod(c.at, 0o777); err != nil {
				t.Fatal(err)
			}
			serve(t, l, Server{Handler: c.handler(host)})
			for uid, status := range map[int]int{alice: 200, 0: 200, bob: 403} {
				conn, err := fakeaws.DialAs(uid, c.network, l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				dial := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
				client := &http.Client{Transport: &http.Transport{DialContext: dial}}
				for range 2 { // both requests use the same connection
					got, _, text := requestWith(t, client, "GET", "http://"+host+c.path, "Authorization", token)
					if got != status || (status != 200) == strings.Contains(text, "SecretAccessKey") {
						t.Errorf("user %d: %d %s", uid, got, text)
					}
					if status == 403 && !strings.Contains(text, "from user 54321") {
						t.Errorf("the response for user %d is %s", uid, text)
					}
				}
			}
			if len(refusals) != 1 || !strings.Contains(refusals[0], "from user 54321") {
				t.Errorf("Refused was called with %q", refusals)
			}
		})
	}
}

// The response to a PUT request for a token has a hop limit of 1.
func TestOneHop(t *testing.T) {
	hops := make(chan int, 2)
	r := startServer(t, func(addr string) http.Handler {
		e := ec2On(addr)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			e.ServeHTTP(w, r)
			raw, _ := peer.FromRequest(r).Conn.(*net.TCPConn).SyscallConn()
			raw.Control(func(fd uintptr) {
				n, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TTL)
				hops <- n
			})
		})
	}, Server{})
	if r.request("GET", "/latest/"); <-hops <= 1 {
		t.Error("an ordinary response has a hop limit of 1")
	}
	if r.request("PUT", tokenPath, lifetimeHeader, "60"); <-hops != 1 {
		t.Error("the response to PUT has a hop limit above 1")
	}
}
