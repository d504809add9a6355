package awsapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/fakeaws"
)

func TestFailedCallsAreRetried(t *testing.T) {
	for name, f := range map[string]fakeaws.Fault{
		"500": {Status: 500}, "503": {Status: 503, Code: "ServiceUnavailable"}, "throttled": {Throttle: true}, "connection closed": {Hangup: true},
		"response lost": {AnswerLost: true}, "truncated": {TruncateXML: true}, "issuer unreachable": {Code: "IDPCommunicationError"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			f.Times = 2
			r.aws.Fail(f)
			r.mustSend(r.assumeReadOnly())
			r.wantCalls(3)
		})
		t.Run(name+", always", func(t *testing.T) {
			r := newFixture(t)
			f.Times = -1
			r.aws.Fail(f)
			r.sendFails(r.assumeReadOnly())
			r.wantCalls(3)
		})
	}
}

func TestBackoffIsUsed(t *testing.T) {
	r := newFixture(t)
	var attempts []int
	r.Backoff = func(attempt int, err error) time.Duration {
		if err == nil {
			t.Error("Backoff was called without an error")
		}
		attempts = append(attempts, attempt)
		return 0
	}
	r.aws.Fail(fakeaws.Fault{Status: 500, Times: -1})
	if e := sendFailsAs[*APIError](r, r.assumeReadOnly()); !e.Retry || e.Status != 500 {
		t.Errorf("got %+v, want a temporary error with status 500", e)
	}
	if len(attempts) != 2 || attempts[0] >= attempts[1] {
		t.Errorf("Backoff was called for the attempts %v, want two in ascending order", attempts)
	}
}

func TestCallTimeout(t *testing.T) {
	r := newFixture(t)
	r.Timeout = 50 * time.Millisecond
	r.aws.Fail(fakeaws.Fault{Hang: true, Times: -1})
	e := sendFailsAs[*TimeoutError](r, r.assumeReadOnly())
	r.wantText(e, "AssumeRole: no response from "+r.aws.URL()+" within 50ms")
}

func TestCanceledCall(t *testing.T) {
	r := newFixture(t)
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	r.aws.Fail(fakeaws.Fault{Hang: true, Times: -1})
	go func() {
		r.aws.Await(t.Context(), "AssumeRole", 1)
		cancel(interrupted)
	}()
	if _, err := r.send(ctx, r.assumeReadOnly()); !errors.Is(err, interrupted) {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestUnreachableEndpoint(t *testing.T) {
	r := newFixture(t)
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s := r.assumeReadOnly()
	s.Endpoint.URL = server.URL
	e := sendFailsAs[*UnreachableError](r, s)
	if e.Endpoint != server.URL || errors.Unwrap(e) == nil {
		t.Errorf("got %+v, want the endpoint %s and a cause", e, server.URL)
	}
	r.wantText(e, "AssumeRole: no response from "+server.URL+": ")
	if strings.Contains(e.Err.Error(), server.URL) {
		t.Errorf("the error contains the address twice: %v", e)
	}
}

func TestMissingRegion(t *testing.T) {
	r := newFixture(t)
	s := r.assumeReadOnly()
	s.Endpoint, s.Region = Endpoint{}, ""
	r.wantText(r.sendFails(s), "AssumeRole at STS without a region: ")
}

// respondWith starts a server with a fixed response. It returns a call to the server, and a counter of requests.
func (r *fixture) respondWith(status int, kind, body string) (*testCall, *atomic.Int32) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	r.Cleanup(server.Close)
	s := r.assumeReadOnly()
	s.Endpoint.URL = server.URL
	return &s, &requests
}

func TestResponseNotFromAWS(t *testing.T) {
	const page = "<!doctype html><title>Hotel</title><p>Please <br> sign in"
	for name, c := range map[string]struct {
		status    int
		kind      string
		body      string
		truncated bool
		calls     int32
		text      string
	}{
		"captive portal":     {200, "text/html; charset=utf-8", page, false, 1, "a response that is not from AWS (text/html, 57 bytes); a proxy or a network's sign-in page may have sent it"},
		"portal in XHTML":    {200, "application/xhtml+xml", "<html/>", false, 1, "application/xhtml+xml"},
		"portal as XML":      {200, "text/xml", "<html><body/></html>", false, 1, "not from AWS (text/xml, 20 bytes)"},
		"HTML called XML":    {200, "text/xml", page, false, 1, "not from AWS"},
		"proxy's JSON":       {200, "application/json", `{"error":"blocked"}`, false, 1, "application/json"},
		"proxy refuses":      {403, "application/json", `{"error":"blocked"}`, false, 1, "application/json"},
		"refusal in XHTML":   {403, "text/xml", "<html><body/></html>", false, 1, "not from AWS (text/xml, 20 bytes)"},
		"half an answer":     {200, "text/xml", "<AssumeRoleResponse><AssumeRoleResult>", true, 3, "incomplete response (38 bytes)"},
		"nothing":            {200, "text/xml", "", true, 3, "incomplete response (0 bytes)"},
		"nothing at all":     {204, "", "", false, 1, "no type"},
		"junk":               {200, "\xff;;", "\x00\xff", false, 1, "no type"},
		"large":              {200, "text/xml", "<AssumeRoleResponse>" + strings.Repeat(" ", 2<<20), false, 1, "1048.6 kB"},
		"balancer fails":     {503, "text/html", "<h1>503</h1>", false, 3, "not from AWS (text/html"},
		"expiry is no time":  {200, "text/xml", sessionXML("next tuesday"), false, 1, "not from AWS (text/xml"},
		"redirect to a page": {302, "text/html", page, false, 1, "text/html"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			s, requests := r.respondWith(c.status, c.kind, c.body)
			e := sendFailsAs[*NotAWSError](r, *s)
			if e.Truncated != c.truncated || e.Endpoint != s.Endpoint.URL || requests.Load() != c.calls {
				t.Errorf("got %+v after %d requests, want %d requests", e, requests.Load(), c.calls)
			}
			r.wantText(r.sendFails(*s), "AssumeRole: "+s.Endpoint.URL+" sent a", c.text)
		})
	}
}

func sessionXML(expires string) string {
	return `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>` +
		`<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>EXAMPLESECRET</SecretAccessKey>` +
		`<SessionToken>EXAMPLETOKEN</SessionToken><Expiration>` + expires + `</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
}

func TestResponseWithoutCredentials(t *testing.T) {
	for _, body := range map[string]string{
		"none":       `<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>`,
		"no token":   strings.Replace(sessionXML("2030-01-02T13:00:00Z"), "EXAMPLETOKEN", "", 1),
		"no expiry":  strings.Replace(sessionXML(""), "<Expiration></Expiration>", "", 1),
		"line break": strings.Replace(sessionXML("2030-01-02T13:00:00Z"), "EXAMPLESECRET", "EXAMPLE\nSECRET", 1),
	} {
		r := newFixture(t)
		s, _ := r.respondWith(200, "text/xml", body)
		r.addSecret("EXAMPLETOKEN")
		r.wantText(r.sendFails(*s), "AssumeRole: no credentials in the response from "+s.Endpoint.URL)
	}
	r := newFixture(t)
	s, _ := r.respondWith(200, "text/xml", `<GetSessionTokenResponse><GetSessionTokenResult/></GetSessionTokenResponse>`)
	s.call = func(ctx context.Context, sts STS, by aws.Credentials) (aws.Credentials, error) {
		return sts.SessionToken(ctx, by, 0, MFA{})
	}
	r.wantText(r.sendFails(*s), "GetSessionToken: no credentials in the response from "+s.Endpoint.URL)
}

func TestCompleteResponse(t *testing.T) {
	r := newFixture(t)
	for _, body := range []string{sessionXML("2030-01-02T13:00:00Z"), "<?xml version=\"1.0\"?>\n<!-- x -->" + sessionXML("2030-01-02T13:00:00Z") + "\n"} {
		s, _ := r.respondWith(200, "application/xml", body)
		if c := r.mustSend(*s); c.AccessKeyID != "ASIAIOSFODNN7EXAMPLE" || c.SecretAccessKey != "EXAMPLESECRET" || c.SessionToken != "EXAMPLETOKEN" {
			t.Errorf("wrong credentials were read from %q", body)
		}
	}
}

func TestTruncatedHTTPBody(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("<AssumeRoleResponse>"))
	}))
	defer server.Close()
	r := newFixture(t)
	s := r.assumeReadOnly()
	s.Endpoint.URL = server.URL
	if sendFailsAs[*UnreachableError](r, s); requests.Load() != 3 {
		t.Errorf("got %d requests, want 3", requests.Load())
	}
}

// A load balancer can reject a call with an empty body.
func TestRefusalWithoutBody(t *testing.T) {
	r := newFixture(t)
	s, _ := r.respondWith(403, "", "")
	if e := sendFailsAs[*APIError](r, *s); e.Status != 403 || e.Retry {
		t.Errorf("got %+v, want a permanent error with status 403", e)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var redirected atomic.Int32
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { redirected.Add(1) }))
		defer other.Close()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, other.URL, status) }))
		defer server.Close()
		r := newFixture(t)
		s := r.assumeReadOnly()
		s.Endpoint.URL = server.URL
		r.wantText(sendFailsAs[*NotAWSError](r, s), server.URL)
		server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			w.Header().Set("Location", other.URL)
			w.WriteHeader(status)
			w.Write([]byte("<MovedResponse/>"))
		})
		if e := sendFailsAs[*APIError](r, s); e.Status != status {
			t.Errorf("got %+v, want status %d", e, status)
		}
		if redirected.Load() != 0 {
			t.Errorf("status %d: the redirect was followed", status)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		"A: AWS returned HTTP 403":  &APIError{Action: "A", Status: 403},
		"A of b: AWS returned C: d": &APIError{Action: "A", Resource: "b", Code: "C", Message: "d"},
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestCallerErrors(t *testing.T) {
	r := newFixture(t)
	sts := r.sts()
	caller, err := sts.Caller(t.Context(), r.key())
	if err != nil || caller != (Caller{ARN: r.world.Alice.ARN(), Account: r.world.Account}) {
		t.Errorf("Caller = %+v, %v, want alice", caller, err)
	}
	deletedKey := aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: r.addSecret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")}
	var refused *APIError
	if _, err := sts.Caller(t.Context(), deletedKey); !errors.As(err, &refused) || refused.Code != "InvalidClientTokenId" {
		t.Errorf("deleted key: got %v, want InvalidClientTokenId", err)
	}
	r.aws.Fail(fakeaws.Fault{Action: "GetCallerIdentity", HTML: true})
	var notAWS *NotAWSError
	if _, err := sts.Caller(t.Context(), r.key()); !errors.As(err, &notAWS) {
		t.Errorf("sign-in page: got %v, want a NotAWSError", err)
	}
}

func TestCallerUser(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:iam::1:user/a/path/bob":      "bob",
		"arn:aws:iam::1:root":                 "",
		"arn:aws:sts::1:assumed-role/r/bob":   "",
		"arn:aws:sts::1:federated-user/bob":   "",
		"arn:aws-cn:iam::1:user/some+one@x.y": "some+one@x.y",
	} {
		if name, ok := (Caller{ARN: arn}).User(); name != want || ok != (want != "") {
			t.Errorf("%s: User = %q, %v, want %q", arn, name, ok, want)
		}
	}
}

func FuzzXMLRoot(f *testing.F) {
	for _, seed := range []string{"", sessionXML("2030-01-02T13:00:00Z"), "<a>", "</a>", "<a/><b/>", "<?xml encoding=\"latin1\"?><a/>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		root, complete := xmlRoot(text)
		if complete && root == "" {
			t.Errorf("%q is complete, but has no root element", text)
		}
		if again, _ := xmlRoot(append(text, "<!-- more -->"...)); complete && again != root {
			t.Errorf("root of %q is %q, but %q if a comment follows", text, root, again)
		}
	})
}

func TestInvalidReason(t *testing.T) {
	good := aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+EXAMPLEKEY="}
	if got := InvalidReason(good); got != "" {
		t.Errorf("InvalidReason of valid credentials = %q, want none", got)
	}
	for name, damage := range map[string]func(*aws.Credentials){
		"no id":               func(c *aws.Credentials) { c.AccessKeyID = "" },
		"no secret":           func(c *aws.Credentials) { c.SecretAccessKey = "" },
		"line break in token": func(c *aws.Credentials) { c.SessionToken = "a\nAWS_PROFILE=b" },
		"NUL in secret":       func(c *aws.Credentials) { c.SecretAccessKey += "\x00" },
		"space in id":         func(c *aws.Credentials) { c.AccessKeyID = "AKIA IOSFODNN7EXAMPLE" },
		"umlaut in account":   func(c *aws.Credentials) { c.AccountID = "ä" },
	} {
		c := good
		if damage(&c); InvalidReason(c) == "" {
			t.Errorf("%s: no reason found", name)
		}
	}
}
