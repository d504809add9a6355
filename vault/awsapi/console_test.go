package awsapi

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// roleSession returns credentials of a role, and adds their secrets to the list that must not be printed.
func (r *fixture) roleSession() aws.Credentials {
	c := r.mustSend(r.assumeReadOnly())
	r.addSecret(c.SecretAccessKey)
	r.addSecret(c.SessionToken)
	return c
}

func signInEndpoint(url string) Endpoint {
	return Endpoint{URL: url + "/federation", Origin: "AWS_ENDPOINT_URL_SIGNIN"}
}

// methods returns the HTTP methods of the requests for a sign-in token.
func (r *fixture) methods() (list []string) {
	for _, c := range r.aws.Calls() {
		if c.Action == signInAction {
			list = append(list, c.Method)
		}
	}
	return list
}

func TestSignInToken(t *testing.T) {
	r := newFixture(t)
	token, err := r.SignInToken(t.Context(), signInEndpoint(r.aws.URL()), r.roleSession(), time.Hour)
	if err != nil || token == "" {
		t.Fatalf("got %q, %v", r.addSecret(token), err)
	}
	if m := r.methods(); len(m) != 1 || m[0] != http.MethodPost {
		t.Errorf("asked by %v, want one POST", m)
	}
	if c := r.aws.Calls()[1]; c.Params.Get("SessionDuration") != "3600" {
		t.Errorf("duration is %q", c.Params.Get("SessionDuration"))
	}
	r.aws.Reset()
	r.aws.RefusePost(true)
	if _, err := r.SignInToken(t.Context(), signInEndpoint(r.aws.URL()), r.roleSession(), 0); err != nil {
		t.Errorf("where no POST is taken: %v", err)
	}
	if m := r.methods(); len(m) != 2 || m[1] != http.MethodGet {
		t.Errorf("asked by %v, want POST and then GET", m)
	}
}

// AWS's own programs ignore the media type, so AWS may change it.
func TestSignInTokenIgnoresMediaType(t *testing.T) {
	for _, kind := range []string{"text/html", "text/plain; charset=utf-8", "application/octet-stream", ""} {
		r := newFixture(t)
		agent := ""
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			agent = req.UserAgent()
			w.Header()["Content-Type"] = []string{kind}
			io.WriteString(w, `{"SigninToken":"EXAMPLE"}`)
		}))
		defer server.Close()
		token, err := r.SignInToken(t.Context(), signInEndpoint(server.URL), r.roleSession(), 0)
		if err != nil || token != "EXAMPLE" {
			t.Errorf("%q: got %q, %v", kind, token, err)
		}
		if agent != "aws-vault" {
			t.Errorf("asked as %q", agent)
		}
	}
}

// Errors must not contain the session. A GET request is allowed only if the endpoint refuses POST.
func TestSignInTokenErrors(t *testing.T) {
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	hangup := func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
		asked  int
	}{
		{"400", answer(400, "text/html", "<h1>Bad Request</h1>"), "getSigninToken: AWS says HTTP 400", 1},
		{"403", answer(403, "application/json", "{}"), "getSigninToken: AWS says HTTP 403", 1},
		{"404", answer(404, "text/html", "no"), "getSigninToken: AWS says HTTP 404", 2},
		{"405", answer(405, "text/html", "no"), "getSigninToken: AWS says HTTP 405", 2},
		{"429", answer(429, "text/html", "no"), "getSigninToken: AWS says HTTP 429", 1},
		{"500", answer(500, "text/html", "no"), "getSigninToken: AWS says HTTP 500", 3},
		{"redirect", answer(302, "text/html", ""), "getSigninToken: AWS says HTTP 302", 1},
		{"no token", answer(200, "application/json", `{"Other":"EXAMPLE"}`), "no token in the response", 1},
		{"a number", answer(200, "application/json", `{"SigninToken":7}`), "no token in the response", 1},
		{"half of it", answer(200, "application/json", `{"SigninToken":"EXAM`), "an incomplete response (20 bytes)", 3},
		{"a page", answer(200, "text/html", "<h1>Welcome</h1>"), "from a proxy or a sign-in page", 1},
		{"large", answer(200, "application/json", `{"SigninToken":"`+strings.Repeat("x", maxResponseSize)+`"}`), "is not from AWS", 1},
		{"hung up", hangup, "EOF", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newFixture(t)
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				asked.Add(1)
				tt.answer(w, req)
			}))
			defer server.Close()
			_, err := r.SignInToken(t.Context(), signInEndpoint(server.URL), r.roleSession(), 0)
			if err == nil {
				t.Fatal("no error")
			}
			r.wantText(err, tt.want)
			r.noSecret("error", err.Error())
			if strings.Contains(err.Error(), "sessionKey") {
				t.Errorf("error shows the session: %v", err)
			}
			if n := asked.Load(); n != int32(tt.asked) {
				t.Errorf("asked %d times, want %d", n, tt.asked)
			}
		})
	}
}

func TestSignInTokenEndpoints(t *testing.T) {
	r := newFixture(t)
	who := r.roleSession()
	_, err := r.SignInToken(t.Context(), signInEndpoint("http://signin.example.com"), who, 0)
	var plain *PlainHTTPError
	if !errors.As(err, &plain) {
		t.Errorf("over plain HTTP: %v", err)
	}
	_, err = r.SignInToken(t.Context(), signInEndpoint("http://127.0.0.1:1"), who, 0)
	var lost *UnreachableError
	if !errors.As(err, &lost) || lost.Endpoint != "http://127.0.0.1:1" {
		t.Errorf("where nobody listens: %v", err)
	}
	r.noSecret("error", err.Error())
	for _, host := range []string{"signin.aws.amazon.com", "us-east-1.signin.aws.amazon.com", "signin.amazonaws.cn", "signin.amazonaws-us-gov.com", "signin.amazonaws-eusc.eu"} {
		if !isAWS(host) {
			t.Errorf("%s is taken for somebody else's", host)
		}
	}
	for _, host := range []string{"signin.aws.amazon.com.example.com", "xsignin.aws.amazon.com", "evil.signin.aws.amazon.com"} {
		if isAWS(host) {
			t.Errorf("%s is taken for AWS's", host)
		}
	}
}

func TestSignInTokenTimeout(t *testing.T) {
	r := newFixture(t)
	who := r.roleSession()
	r.Timeout = 50 * time.Millisecond
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		<-gone
	}))
	defer server.Close()
	defer close(gone)
	_, err := r.SignInToken(t.Context(), signInEndpoint(server.URL), who, 0)
	var e *TimeoutError
	if !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}
