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

// roleSession returns credentials of a role, and adds their secrets to the texts that must not be printed.
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
		t.Fatalf("SignInToken = %q, %v, want a token", r.addSecret(token), err)
	}
	if m := r.methods(); len(m) != 1 || m[0] != http.MethodPost {
		t.Errorf("request methods are %v, want one POST", m)
	}
	if c := r.aws.Calls()[1]; c.Params.Get("SessionDuration") != "3600" {
		t.Errorf("SessionDuration is %q, want 3600", c.Params.Get("SessionDuration"))
	}
	r.aws.Reset()
	r.aws.RefusePost(true)
	if _, err := r.SignInToken(t.Context(), signInEndpoint(r.aws.URL()), r.roleSession(), 0); err != nil {
		t.Errorf("endpoint that refuses POST: %v", err)
	}
	if m := r.methods(); len(m) != 2 || m[1] != http.MethodGet {
		t.Errorf("request methods are %v, want POST and then GET", m)
	}
}

// SignInToken ignores the media type of the response, as AWS's own programs do, because AWS may change it.
func TestSignInTokenIgnoresMediaType(t *testing.T) {
	for _, kind := range []string{"text/html", "text/plain; charset=utf-8", "application/octet-stream", ""} {
		r := newFixture(t)
		userAgent := ""
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			userAgent = req.UserAgent()
			w.Header()["Content-Type"] = []string{kind}
			io.WriteString(w, `{"SigninToken":"EXAMPLE"}`)
		}))
		defer server.Close()
		token, err := r.SignInToken(t.Context(), signInEndpoint(server.URL), r.roleSession(), 0)
		if err != nil || token != "EXAMPLE" {
			t.Errorf("media type %q: SignInToken = %q, %v, want EXAMPLE", kind, token, err)
		}
		if userAgent != "aws-vault" {
			t.Errorf("User-Agent is %q, want aws-vault", userAgent)
		}
	}
}

// Errors must not contain the session's credentials. A GET request is allowed only if the endpoint refuses POST.
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
		name     string
		answer   http.HandlerFunc
		want     string
		requests int
	}{
		{"400", answer(400, "text/html", "<h1>Bad Request</h1>"), "getSigninToken: AWS returned HTTP 400", 1},
		{"403", answer(403, "application/json", "{}"), "getSigninToken: AWS returned HTTP 403", 1},
		{"404", answer(404, "text/html", "no"), "getSigninToken: AWS returned HTTP 404", 2},
		{"405", answer(405, "text/html", "no"), "getSigninToken: AWS returned HTTP 405", 2},
		{"429", answer(429, "text/html", "no"), "getSigninToken: AWS returned HTTP 429", 1},
		{"500", answer(500, "text/html", "no"), "getSigninToken: AWS returned HTTP 500", 3},
		{"redirect", answer(302, "text/html", ""), "getSigninToken: AWS returned HTTP 302", 1},
		{"no token", answer(200, "application/json", `{"Other":"EXAMPLE"}`), "no token in the response", 1},
		{"a number", answer(200, "application/json", `{"SigninToken":7}`), "no token in the response", 1},
		{"half of it", answer(200, "application/json", `{"SigninToken":"EXAM`), "an incomplete response (20 bytes)", 3},
		{"a page", answer(200, "text/html", "<h1>Welcome</h1>"), "a proxy or a network's sign-in page", 1},
		{"large", answer(200, "application/json", `{"SigninToken":"`+strings.Repeat("x", maxResponseSize)+`"}`), "is not from AWS", 1},
		{"connection closed", hangup, "EOF", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newFixture(t)
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				requests.Add(1)
				tt.answer(w, req)
			}))
			defer server.Close()
			_, err := r.SignInToken(t.Context(), signInEndpoint(server.URL), r.roleSession(), 0)
			if err == nil {
				t.Fatal("SignInToken succeeded, want an error")
			}
			r.wantText(err, tt.want)
			r.noSecret("error", err.Error())
			if strings.Contains(err.Error(), "sessionKey") {
				t.Errorf("error contains the session: %v", err)
			}
			if n := requests.Load(); n != int32(tt.requests) {
				t.Errorf("got %d requests, want %d", n, tt.requests)
			}
		})
	}
}

func TestSignInTokenEndpoints(t *testing.T) {
	r := newFixture(t)
	session := r.roleSession()
	_, err := r.SignInToken(t.Context(), signInEndpoint("http://signin.example.com"), session, 0)
	var plain *PlainHTTPError
	if !errors.As(err, &plain) {
		t.Errorf("plain HTTP: got %v, want a PlainHTTPError", err)
	}
	_, err = r.SignInToken(t.Context(), signInEndpoint("http://127.0.0.1:1"), session, 0)
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Endpoint != "http://127.0.0.1:1" {
		t.Errorf("closed port: got %v, want an UnreachableError that names the endpoint", err)
	}
	r.noSecret("error", err.Error())
	for _, host := range []string{"signin.aws.amazon.com", "us-east-1.signin.aws.amazon.com", "signin.amazonaws.cn", "signin.amazonaws-us-gov.com", "signin.amazonaws-eusc.eu"} {
		if !isAWS(host) {
			t.Errorf("isAWS(%q) = false, want true", host)
		}
	}
	for _, host := range []string{"signin.aws.amazon.com.example.com", "xsignin.aws.amazon.com", "evil.signin.aws.amazon.com"} {
		if isAWS(host) {
			t.Errorf("isAWS(%q) = true, want false", host)
		}
	}
}

func TestSignInTokenTimeout(t *testing.T) {
	r := newFixture(t)
	session := r.roleSession()
	r.Timeout = 50 * time.Millisecond
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		<-done
	}))
	defer server.Close()
	defer close(done)
	_, err := r.SignInToken(t.Context(), signInEndpoint(server.URL), session, 0)
	var e *TimeoutError
	if !errors.As(err, &e) {
		t.Errorf("got %v, want a TimeoutError", err)
	}
}
