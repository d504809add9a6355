package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const roleARN = "arn:aws:iam::123456789012:role/path/to/deploy"

func TestECSResponses(t *testing.T) {
	var calls atomic.Int64
	r := startServer(t, func(addr string) http.Handler {
		e := ecsOn(addr,
			&Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE"), Roles: countingRoles(&calls, 0)},
			&Mount{Path: "/b", Token: DigestOf("other"), Cache: fixedCache("ASIAI44QH8DHBEXAMPLE")},
			&Mount{Path: "/c", Token: DigestOf(token), Cache: failingCache(errors.New("no")), Roles: countingRoles(&calls, 0)})
		e.Explain = func(err error) Refusal { return Refusal{http.StatusForbidden, "AccessDenied", err.Error()} }
		return e
	}, Server{})
	for _, c := range []struct {
		path, token string
		status      int
		has         string
	}{
		{"/", token, 200, `"AccessKeyId":"ASIAIOSFODNN7EXAMPLE"`},
		{"", token, 200, `"Expiration":"2100-01-02T02:04:05Z"`},
		{"/?x=y", token, 200, `"Token":"EXAMPLETOKEN+/="`},
		{"/role-arn/" + roleARN, token, 200, `"AccessKeyId":"ASIAy"`},
		{"/role-arn/" + url.PathEscape(roleARN), token, 200, `"AccessKeyId":"ASIAy"`},
		{"/role-arn/arn%3Aaws%3Aiam%3A%3A123456789012%3Arole/x", token, 200, `"AccessKeyId":"ASIAx"`},
		{"/role-arn/" + roleARN, "other", 403, `"code":"InvalidToken"`},
		{"/role-arn/", token, 400, `"code":"InvalidRoleArn"`},
		{"/role-arn/arn:aws:iam::123456789012:user/alice", token, 400, `"code":"InvalidRoleArn"`},
		{"/role-arn/arn:aws:iam::1234567890:role/alice", token, 400, `"code":"InvalidRoleArn"`},
		{"/role-arn/" + roleARN + strings.Repeat("x", 2100), token, 400, `"code":"InvalidRoleArn"`},
		{"/role-arn", token, 404, `"code":"NotFound"`},
		{"/x", token, 404, `"code":"NotFound"`},
		{"//", token, 404, `"code":"NotFound"`},
		{"/b", "other", 200, `"AccessKeyId":"ASIAI44QH8DHBEXAMPLE"`},
		{"/b/", "other", 200, `"AccessKeyId":"ASIAI44QH8DHBEXAMPLE"`},
		{"/b", token, 403, `"code":"InvalidToken"`},
		{"/b/role-arn/" + roleARN, "other", 404, `"code":"NotFound"`},
		{"/bb", token, 404, `"code":"NotFound"`},
		{"/c", token, 403, `{"code":"AccessDenied","message":"no","Code":"AccessDenied","Message":"no"}`},
		{"/c/role-arn/" + roleARN, token, 200, `"AccessKeyId":"ASIAy"`},
	} {
		status, header, text := r.request("GET", c.path, "Authorization", c.token)
		if status != c.status || !strings.Contains(text, c.has) {
			t.Errorf("GET %s: %d %s, want %d with %s", c.path, status, text, c.status, c.has)
		}
		if ct := header["Content-Type"]; len(ct) != 1 || ct[0] != "application/json" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s: header %v", c.path, header)
		}
	}
	if n := calls.Load(); n != 3 {
		t.Errorf("created %d roles, want 3", n)
	}
	_, _, text := r.request("GET", "/", "Authorization", token)
	const want = `{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","Token":"EXAMPLETOKEN+/=","Expiration":"2100-01-02T02:04:05Z","AccountId":"123456789012"}` + "\n"
	if text != want {
		t.Errorf("%s, want %s", text, want)
	}
	if status, header, text := r.request("HEAD", "/", "Authorization", token); status != 200 || text != "" || header.Get("Content-Length") != fmt.Sprint(len(want)) {
		t.Errorf("HEAD: %d %v %q", status, header, text)
	}
}

// A client that has no token cannot find out which profiles exist.
func TestECSHidesPaths(t *testing.T) {
	e := ecsOn("127.0.0.1:80", &Mount{Path: "/b", Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE")})
	var answers []string
	for _, path := range []string{"/b", "/b/x", "/", "/nothing", "/role-arn/x"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "127.0.0.1:80"
		for _, header := range []string{"", "wrong", "\x00"} {
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, withUncheckedConn(r))
			answers = append(answers, fmt.Sprint(w.Code, w.Header(), w.Body))
		}
	}
	for _, a := range answers {
		if a != answers[0] || !strings.HasPrefix(a, "403") {
			t.Errorf("the responses differ: %s\n%s", a, answers[0])
		}
	}
}

func TestAudit(t *testing.T) {
	var events []AuditEvent
	var full error
	r := startServer(t, func(addr string) http.Handler {
		e := ecsOn(addr, &Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE"), Roles: countingRoles(new(atomic.Int64), 0)})
		e.Mounts[0].Audit = func(h AuditEvent) error {
			events = append(events, h)
			return full
		}
		return e
	}, Server{})
	r.request("GET", "/", "Authorization", token)
	r.request("GET", "/role-arn/"+roleARN, "Authorization", token)
	r.request("HEAD", "/", "Authorization", token)
	r.request("GET", "/", "Authorization", "wrong")
	if len(events) != 2 || events[0].Role != "" || !events[0].Expires.Equal(expires) || events[1].Role != roleARN {
		t.Errorf("the audit events are %+v", events)
	}
	if runtime.GOOS == "linux" && events[0].Peer.PID != os.Getpid() {
		t.Errorf("the peer is %+v, want process %d", events[0].Peer, os.Getpid())
	}
	full = errors.New("disk full")
	if status, _, text := r.request("GET", "/", "Authorization", token); status != 500 || strings.Contains(text, "ASIA") || !strings.Contains(text, "disk full") {
		t.Errorf("if the audit fails: %d %s", status, text)
	}
}

// Fifty clients request each of forty roles at the same time. The credentials of each role are created only once.
// The test uses fake time, because real connections on a busy machine may take longer than the timeout of a
// request.
func TestConcurrentRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		mount := &Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE"), Roles: countingRoles(&calls, 10*time.Millisecond)}
		defer mount.Roles.Close()
		ctx, stop := context.WithCancel(t.Context())
		l, ended := newPipes(), make(chan error)
		go func() {
			s := Server{Handler: &ECS{Filter: Filter{Hosts: []string{"vault"}}, Mounts: []*Mount{mount}}, Clock: fakeTime}
			ended <- s.Serve(ctx, l)
		}()
		client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 400, MaxIdleConnsPerHost: 400, DialContext: l.dial}}
		var clients sync.WaitGroup
		for range 50 {
			for role := range 40 {
				clients.Go(func() {
					req, err := http.NewRequest("GET", fmt.Sprintf("http://vault/role-arn/%s-%d", roleARN, role), nil)
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Authorization", token)
					resp, err := client.Do(req)
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
					if resp.StatusCode != 200 {
						t.Error(resp.Status)
					}
				})
			}
		}
		clients.Wait()
		if n := calls.Load(); n != 40 {
			t.Errorf("roles were created %d times, want 40", n)
		}
		client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Serving 3000 roles does not use more memory than serving 300 roles.
func TestManyRoles(t *testing.T) {
	var calls atomic.Int64
	var mount *Mount
	r := startServer(t, func(addr string) http.Handler {
		mount = &Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE"), Roles: countingRoles(&calls, 0)}
		return ecsOn(addr, mount)
	}, Server{})
	measure := func() (heap uint64, goroutines int) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	var heap uint64
	var goroutines int
	for n := range 3000 {
		if status, _, text := r.request("GET", fmt.Sprintf("/role-arn/%s-%d", roleARN, n), "Authorization", token); status != 200 {
			t.Fatal(status, text)
		}
		if n == 299 {
			heap, goroutines = measure()
		}
	}
	after, running := measure()
	if after > heap+heap/2 || running > goroutines+5 {
		t.Errorf("after 3000 roles: %d bytes and %d goroutines, after 300: %d and %d", after, running, heap, goroutines)
	}
	if n := mount.Roles.recent.Len(); n != 256 || len(mount.Roles.byARN) != 256 {
		t.Errorf("%d roles are cached, want 256", n)
	}
	r.request("GET", "/role-arn/"+roleARN+"-2999", "Authorization", token)
	if n := calls.Load(); n != 3000 {
		t.Errorf("roles were created %d times, want 3000: the last one is cached", n)
	}
	r.request("GET", "/role-arn/"+roleARN+"-0", "Authorization", token)
	if n := calls.Load(); n != 3001 {
		t.Errorf("roles were created %d times, want 3001: the first one is not cached", n)
	}
	mount.Roles.Close()
}

// FuzzECS checks that each response is JSON, and that only a request with the right token receives credentials.
func FuzzECS(f *testing.F) {
	f.Add("GET", "/", "127.0.0.1:80", token, "Origin", "x")
	f.Add("GET", "/role-arn/"+roleARN, "127.0.0.1:80", token, "Accept", "*/*")
	f.Add("PUT", "//b/../role-arn/", "evil.example.com", "", "X-Forwarded-For", "127.0.0.1")
	e := ecsOn("127.0.0.1:80", &Mount{Path: "/b", Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE"), Roles: countingRoles(new(atomic.Int64), 0)})
	f.Fuzz(func(t *testing.T, method, path, host, header, name, value string) {
		r := &http.Request{Method: method, URL: &url.URL{Path: path}, Host: host, Header: http.Header{"Authorization": {header}}}
		r.Header[name] = []string{value}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, withUncheckedConn(r))
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("the response %d %q is not JSON", w.Code, w.Body)
		}
		if given := strings.Contains(w.Body.String(), "SecretAccessKey"); given && (r.Header.Get("Authorization") != token || w.Code != 200) {
			t.Errorf("token %q received credentials", header)
		}
	})
}
