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

// A running server, and how it is asked.
type running struct {
	t    testing.TB
	addr string
	stop func() error
}

// start serves what handler makes of the address.
func start(t testing.TB, handler func(addr string) http.Handler, s Server) *running {
	t.Helper()
	l, err := peer.Listen("tcp", "127.0.0.1:0", peer.ThisUser())
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = handler(l.Addr().String())
	return serve(t, l, s)
}

func serve(t testing.TB, l net.Listener, s Server) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.Clock = realTime
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	r := &running{t: t, addr: l.Addr().String()}
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

// say sends a request as it stands and returns the whole answer, as far as there is one.
func (r *running) say(text string) string {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	c.Write([]byte(strings.ReplaceAll(text, "HOST", r.addr))) // the answer may come before the end
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 && !strings.Contains(err.Error(), "reset") {
		r.t.Errorf("no answer: %v", err)
	}
	return string(answer)
}

// ask sends a well-formed request.
func (r *running) ask(method, path string, headers ...string) (status int, header http.Header, text string) {
	r.t.Helper()
	return askWith(r.t, http.DefaultClient, method, "http://"+r.addr+path, headers...)
}

func askWith(t testing.TB, client *http.Client, method, url string, headers ...string) (status int, header http.Header, text string) {
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

// realTime is the clock of the machine.
var realTime = Clock{Now: time.Now, AfterFunc: time.AfterFunc}

var expires = time.Date(2100, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600))

func fixed(id string) *Lease {
	return &Lease{Need: ECSNeed, Clock: realTime, Make: func(context.Context, time.Duration) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: id, SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SessionToken: "EXAMPLETOKEN+/=",
			CanExpire: true, Expires: expires, AccountID: "123456789012",
		}, nil
	}}
}

func failing(err error) *Lease {
	return &Lease{Need: ECSNeed, Clock: realTime, Make: func(context.Context, time.Duration) (aws.Credentials, error) {
		return aws.Credentials{}, err
	}}
}

// roles makes leases that count how often each is made.
func roles(made *atomic.Int64, takes time.Duration) *Roles {
	return &Roles{Open: func(arn string) *Lease {
		l := fixed("ASIA" + arn[len(arn)-1:])
		next := l.Make
		l.Make = func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
			made.Add(1)
			time.Sleep(takes)
			return next(ctx, need)
		}
		return l
	}}
}

// fromAnyone is a request over a connection that anyone may make.
func fromAnyone(r *http.Request) *http.Request {
	return r.WithContext(peer.Context(r.Context(), peer.Check{Anyone: true}.Conn(nil)))
}

// hosts are the names that a server on an address goes by.
func hosts(addr string) []string {
	return []string{addr, "localhost" + addr[strings.LastIndex(addr, ":"):]}
}

func ecsOn(addr string, mounts ...*Mount) *ECS {
	return &ECS{Guard: Guard{Hosts: hosts(addr)}, Mounts: mounts}
}

// Pipes are a listener within the process, whose connections know the fake time of a bubble.
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
