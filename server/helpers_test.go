package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/peer"
)

const token = "EXAMPLE-TOKEN-0123456789"

// A testServer is a running server with methods to send requests.
type testServer struct {
	t    testing.TB
	addr string
	stop func() error
}

// startServer starts a server. The function handler receives the server's address and returns the server's handler.
func startServer(t testing.TB, handler func(addr string) http.Handler, s Server) *testServer {
	t.Helper()
	l, err := peer.Listen("tcp", "127.0.0.1:0", peer.ThisUser())
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = handler(l.Addr().String())
	return serve(t, l, s)
}

func serve(t testing.TB, l net.Listener, s Server) *testServer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.Clock = realTime
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	r := &testServer{t: t, addr: l.Addr().String()}
	var err error
	done := false
	r.stop = func() error {
		cancel()
		if !done {
			err, done = <-ended, true
		}
		return err
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

// send sends text as a request and returns the whole response. It replaces HOST in text with the server's address.
func (r *testServer) send(text string) string {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	// Ignore errors: the server may respond and close the connection before it has read the whole request.
	c.Write([]byte(strings.ReplaceAll(text, "HOST", r.addr)))
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 && !strings.Contains(err.Error(), "reset") {
		r.t.Errorf("no response: %v", err)
	}
	return string(answer)
}

// request sends a valid HTTP request and returns the parts of the response.
func (r *testServer) request(method, path string, headers ...string) (status int, header http.Header, text string) {
	r.t.Helper()
	return requestWith(r.t, http.DefaultClient, method, "http://"+r.addr+path, headers...)
}

func requestWith(t testing.TB, client *http.Client, method, url string, headers ...string) (status int, header http.Header, text string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// realTime is a Clock that uses the system clock.
var realTime = Clock{Now: time.Now, AfterFunc: time.AfterFunc}

var expires = time.Date(2100, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600))

func fixedCache(id string) *CredentialCache {
	return &CredentialCache{MinValidity: ECSMinValidity, Clock: realTime, Create: func(context.Context, time.Duration) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: id, SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SessionToken: "EXAMPLETOKEN+/=",
			CanExpire: true, Expires: expires, AccountID: "123456789012",
		}, nil
	}}
}

func failingCache(err error) *CredentialCache {
	return &CredentialCache{MinValidity: ECSMinValidity, Clock: realTime, Create: func(context.Context, time.Duration) (aws.Credentials, error) {
		return aws.Credentials{}, err
	}}
}

// countingRoles returns Roles whose caches count the calls to Create. The number of calls is added to *calls.
func countingRoles(calls *atomic.Int64, delay time.Duration) *Roles {
	return &Roles{NewCache: func(arn string) *CredentialCache {
		l := fixedCache("ASIA" + arn[len(arn)-1:])
		next := l.Create
		l.Create = func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
			calls.Add(1)
			time.Sleep(delay)
			return next(ctx, need)
		}
		return l
	}}
}

// withUncheckedConn returns r with a connection that passes every check of package peer.
func withUncheckedConn(r *http.Request) *http.Request {
	return r.WithContext(peer.ConnContext(r.Context(), peer.Check{Anyone: true}.Conn(nil)))
}

// hosts returns the valid Host headers of a server at this address.
func hosts(addr string) []string {
	return []string{addr, "localhost" + addr[strings.LastIndex(addr, ":"):]}
}

func ecsOn(addr string, mounts ...*Mount) *ECS {
	return &ECS{Filter: Filter{Hosts: hosts(addr)}, Mounts: mounts}
}

// pipes is a listener whose connections stay within this process, so that they work in a synctest bubble.
type pipes struct {
	calls chan net.Conn
	close func()
	ended chan struct{}
}

func newPipes() *pipes {
	p := &pipes{calls: make(chan net.Conn), ended: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.ended) })
	return p
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.calls <- theirs:
		return ours, nil
	case <-p.ended:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return peer.Check{Anyone: true}.Conn(c), nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close()
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }
