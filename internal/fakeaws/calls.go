package fakeaws

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Call is one request that the fake received.
type Call struct {
	Time        time.Time
	Service     string // sts, iam, oidc, portal, signin, openid or rolesanywhere
	Action      string
	Method      string     // the HTTP method
	Params      url.Values // parameters as received, including codes, tokens and the fields of a JSON body
	Caller      string     // ARN of the principal that signed the call; empty for an unsigned call
	AccessKeyID string     // the access key id in the signature
	Region      string     // the region in the signature's scope
	UserAgent   string
	Header      http.Header
	Status      int    // HTTP status of the response; 0 until there is a response
	Code        string // AWS's error code; empty for success

	// SourceIdentity and SessionTags are the source identity and the tags of the session that the call created.
	// They include values that the session inherited from an earlier session of the role chain.
	SourceIdentity string
	SessionTags    map[string]string

	by   string // the caller's short name; see caller.short
	lost bool   // whether the client received no response, half a response, or a page that is not from AWS
}

// shown lists the parameters that [Call.String] prints, in this order. String prints the short
// name (field name) instead of the parameter's own name (field param).
var shown = []struct{ param, name string }{
	{"UserName", "user"}, {"AccessKeyId", "key"}, {"Status", "status"}, {"Name", "name"}, {"DurationSeconds", "duration"},
	{"SerialNumber", "mfa"}, {"RoleSessionName", "session"}, {"ExternalId", "external-id"}, {"SourceIdentity", "source-identity"},
	{"grantType", "grant"}, {"grant_type", "grant"}, {"account_id", "account"}, {"role_name", "role"},
}

// String returns the call in one line without secrets, so that tests can compare it:
// AssumeRole arn:aws:iam::123456789012:role/hub duration=3600 mfa=alice session=s by=user/alice.
func (c Call) String() string {
	words := []string{c.Action}
	if arn := c.Params.Get("RoleArn"); arn != "" {
		words = append(words, arn)
	}
	for _, s := range shown {
		if value := c.Params.Get(s.param); value != "" {
			if _, device, ok := strings.Cut(value, ":mfa/"); ok {
				value = device
			}
			words = append(words, s.name+"="+value)
		}
	}
	for _, tag := range members(c.Params, "Tags", "Key", "Value") {
		words = append(words, "tag="+tag[0]+":"+tag[1])
	}
	for _, key := range members(c.Params, "TransitiveTagKeys", "") {
		words = append(words, "transitive="+key[0])
	}
	for _, arn := range members(c.Params, "PolicyArns", "arn") {
		words = append(words, "policy="+arn[0])
	}
	if c.Params.Has("Policy") {
		words = append(words, "policy=inline")
	}
	if c.by != "" {
		words = append(words, "by="+c.by)
	}
	if c.Code != "" {
		words = append(words, "refused="+c.Code)
	}
	if c.lost {
		words = append(words, "lost")
	}
	return strings.Join(words, " ")
}

// Calls returns all recorded calls, the oldest first. It includes calls that have no response yet.
func (a *AWS) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := make([]Call, len(a.calls))
	for i, c := range a.calls {
		calls[i] = *c
	}
	return calls
}

// Actions returns all recorded calls, each in one line.
func (a *AWS) Actions() []string {
	var lines []string
	for _, c := range a.Calls() {
		lines = append(lines, c.String())
	}
	return lines
}

// Reset deletes the recorded calls.
func (a *AWS) Reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = nil
}

// Await waits until n calls of the action have arrived since the last Reset. Calls count even if they have no response
// yet. An empty action means any action.
func (a *AWS) Await(ctx context.Context, action string, n int) error {
	for {
		a.mu.Lock()
		count, arrived := 0, a.arrived
		for _, c := range a.calls {
			if action == "" || c.Action == action {
				count++
			}
		}
		a.mu.Unlock()
		if count >= n {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return fmt.Errorf("%d calls of %q arrived, want %d: %w", count, action, n, ctx.Err())
		}
	}
}

// record records a call when the call arrives. The call's result is added later.
func (a *AWS) record(r *request) {
	r.call = &Call{
		Time: r.now, Service: r.service, Action: r.action, Method: r.http.Method, Params: r.params,
		UserAgent: r.http.UserAgent(), Header: r.http.Header.Clone(),
	}
	a.calls = append(a.calls, r.call)
	close(a.arrived)
	a.arrived = make(chan struct{})
}

// Watch sets a function f that the fake calls for each later request, except for requests to issuers and controls.
// When the request arrives, the fake calls f with done = false. When the request has been processed, but the
// response has not been sent yet, the fake calls f with done = true. If f returns true, the fake closes the
// connection. If f is nil, the fake no longer calls a function.
func (a *AWS) Watch(f func(c Call, done bool) (hangup bool)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watch = f
}

func (a *AWS) watched(r *request, done bool) (hangup bool) {
	a.mu.Lock()
	f, c := a.watch, *r.call
	a.mu.Unlock()
	return f != nil && f(c, done)
}
