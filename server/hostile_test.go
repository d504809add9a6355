package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The server refuses each of these requests. After each refusal, it still responds to valid requests.
func TestHostileRequests(t *testing.T) {
	ecs := startServer(t, func(addr string) http.Handler {
		return ecsOn(addr, &Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE")})
	}, Server{})
	ec2 := startEC2(t, nil)
	const good = "Authorization: " + token + "\r\n"
	for _, c := range []struct {
		name   string
		to     *testServer
		text   string
		status string
	}{
		{"foreign host", ecs, "GET / HTTP/1.1\r\nHost: example.com\r\n" + good, "403"},
		{"rebound name", ecs, "GET / HTTP/1.1\r\nHost: localhost.example.com\r\n" + good, "403"},
		{"other port", ecs, "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n" + good, "403"},
		{"no host", ecs, "GET / HTTP/1.1\r\n" + good, "400"},
		{"two hosts", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nHost: example.com\r\n" + good, "400"},
		{"host in the target", ecs, "GET http://example.com/ HTTP/1.1\r\nHost: HOST\r\n" + good, "403"},
		{"Origin", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST\r\n" + good, "403"},
		{"empty Origin", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nOrigin:\r\n" + good, "403"},
		{"Sec-Fetch-Site", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nsec-fetch-site: same-origin\r\n" + good, "403"},
		{"Referer", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nReferer: http://HOST/\r\n" + good, "403"},
		{"X-Forwarded-For", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nX-Forwarded-For: 127.0.0.1\r\n" + good, "403"},
		{"Forwarded", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nForwarded: for=127.0.0.1\r\n" + good, "403"},
		{"no token", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\n", "403"},
		{"short token", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: " + token[:len(token)-1] + "\r\n", "403"},
		{"long token", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: " + token + "x\r\n", "403"},
		{"wrong token", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: " + strings.ToLower(token) + "\r\n", "403"},
		{"token behind another", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: x\r\n" + good, "403"},
		{"1 MB of header", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n" + good, "431"},
		{"1 MB of path", ecs, "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: HOST\r\n" + good, "431"},
		{"many headers", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\n" + strings.Repeat("X: y\r\n", 10000) + good, "431"},
		{"slow body", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 100\r\n" + good, "400"},
		{"chunked body", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n" + good, "400"},
		{"two lengths", ecs, "GET / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\nContent-Length: 5\r\n" + good, "400"},
		{"POST", ecs, "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n" + good, "405"},
		{"CONNECT", ecs, "CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n" + good, "405"},
		{"OPTIONS *", ecs, "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n" + good, "405"},
		{"TRACE", ecs, "TRACE / HTTP/1.1\r\nHost: HOST\r\n" + good, "405"},
		{"HTTP/2", ecs, "PRI * HTTP/2.0\r\n\r\nSM\r\n", ""},
		{"not HTTP", ecs, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n", "400"},
		{"a line of nothing", ecs, strings.Repeat("\x00", 100) + "\r\n", "400"},

		{"PUT without TTL", ec2, "PUT /latest/api/token HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n", "400"},
		{"PUT with two TTLs", ec2, "PUT /latest/api/token HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n", "400"},
		{"PUT with a body", ec2, "PUT /latest/api/token HTTP/1.1\r\nHost: HOST\r\nContent-Length: 9\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n", "400"},
		{"PUT forwarded", ec2, "PUT /latest/api/token HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\nX-Forwarded-For: 10.0.0.1\r\n", "403"},
		{"PUT of a page", ec2, "PUT /latest/api/token HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\nOrigin: http://example.com\r\n", "403"},
		{"PUT after rebinding", ec2, "PUT /latest/api/token HTTP/1.1\r\nHost: metadata.example.com\r\nContent-Length: 0\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n", "403"},
		{"PUT elsewhere", ec2, "PUT /latest/meta-data/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n", "405"},
		{"version 1", ec2, "GET " + credentialsPath + "/local-credentials HTTP/1.1\r\nHost: HOST\r\n", "401"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := c.to.send(c.text + "Connection: close\r\n\r\n")
			line, _, _ := strings.Cut(answer, "\r\n")
			if f := strings.Fields(line); c.status != "" && (len(f) < 2 || f[1] != c.status) {
				t.Errorf("%q, want %s", answer, c.status)
			}
			if strings.Contains(answer, "ASIA") || strings.Contains(answer, token) {
				t.Errorf("the response is %q", answer)
			}
			if status, _, text := ecs.request("GET", "/", "Authorization", token); status != 200 {
				t.Errorf("afterwards: %d %s", status, text)
			}
		})
	}
}

// If the server refuses a request, it does not wait for the body of the request.
func TestRejectBodies(t *testing.T) {
	h := rejectBodies(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	for _, c := range []struct {
		length int64
		waits  bool
	}{{0, true}, {1, false}, {-1, false}} {
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("GET", "/", nil)
		r.ContentLength = c.length
		h.ServeHTTP(w, r)
		if waits := w.until.IsZero(); waits != c.waits || (w.Header().Get("Connection") != "close") != c.waits {
			t.Errorf("a body of %d bytes: waits %v, header %v", c.length, waits, w.Header())
		}
	}
}

type deadlineRecorder struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (a *deadlineRecorder) SetReadDeadline(t time.Time) error {
	a.until = t
	return nil
}

// Idle connections do not prevent other clients from connecting.
func TestIdleConnections(t *testing.T) {
	r := startServer(t, func(addr string) http.Handler {
		return ecsOn(addr, &Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE")})
	}, Server{})
	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	for range 1000 {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	for range 10 {
		req, _ := http.NewRequest("GET", "http://"+r.addr+"/", nil)
		req.Header.Set("Authorization", token)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Error(resp.Status)
		}
	}
	// The server must have closed all idle connections above its limit of 512 connections.
	closed := 0
	for _, c := range idle {
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err == io.EOF {
			closed++
		}
	}
	if closed < 1000-512 {
		t.Errorf("%d of 1000 idle connections were closed", closed)
	}
}

// If too many connections are busy, new connections wait until another connection is free.
func TestBusyConnections(t *testing.T) {
	release := make(chan struct{})
	inside := make(chan struct{}, 10)
	r := startServer(t, func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inside <- struct{}{}
			<-release
		})
	}, Server{Connections: 2})
	answers := make(chan string, 5)
	for range 5 {
		go func() { answers <- r.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }()
	}
	<-inside
	<-inside
	select {
	case <-inside:
		t.Error("three requests are running, want two")
	case <-time.After(50 * time.Millisecond): // no third request has started, as expected
	}
	close(release)
	for range 5 {
		if a := <-answers; !strings.HasPrefix(a, "HTTP/1.1 200") {
			t.Errorf("the response is %q, want status 200", a)
		}
	}
}

// When the server is stopped, requests in progress are completed within the grace period.
func TestStop(t *testing.T) {
	inside, release := make(chan struct{}), make(chan struct{})
	handler := func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inside <- struct{}{}
			select {
			case <-release:
			case <-r.Context().Done():
			}
			io.WriteString(w, "done")
		})
	}
	r := startServer(t, handler, Server{Grace: time.Minute})
	answer := make(chan string)
	ask := func() { answer <- r.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }
	go ask()
	<-inside
	stopped := make(chan error)
	go func() { stopped <- r.stop() }()
	for {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			break // new connections are refused
		}
		c.Close()
	}
	release <- struct{}{}
	if a := <-answer; !strings.HasSuffix(a, "done") {
		t.Errorf("the response is %q, want it to be complete", a)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}

	r = startServer(t, handler, Server{Grace: time.Millisecond})
	go ask()
	<-inside
	if err := r.stop(); err != nil { // after the grace period, stop does not wait for the handler
		t.Error(err)
	}
	<-answer
}

// shutDown closes idle connections and leaves busy connections open.
func TestShutDownLimitedListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := newLimitedListener(l, 2, realTime)
	var clients, conns [2]net.Conn
	for i := range clients {
		if clients[i], err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		defer clients[i].Close()
		if conns[i], err = g.Accept(); err != nil {
			t.Fatal(err)
		}
		defer conns[i].Close()
	}
	g.trackState(conns[1], http.StateActive)
	g.shutDown()
	if _, err := clients[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("reading from the idle connection returned %v", err)
	}
	if _, err := conns[1].Write([]byte("x")); err != nil {
		t.Errorf("writing to the busy connection returned %v", err)
	}
	if _, err := clients[1].Read(make([]byte, 1)); err != nil {
		t.Errorf("reading from the busy connection returned %v", err)
	}
	again, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := g.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after shutDown returned %v", err)
	}
}

func TestBrokenListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := Server{Handler: http.NotFoundHandler(), Clock: realTime}
	if err := s.Serve(context.Background(), l); err == nil {
		t.Error("Serve on a closed listener returned nil before ctx ended")
	}
}
