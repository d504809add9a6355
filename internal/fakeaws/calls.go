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
	Service     string // sts, iam, oidc, portal or signin
	Action      string
	Method      string     // HTTP method
	Params      url.Values // as received, with codes and tokens; includes the fields of a JSON body
	Caller      string     // ARN of the signer; empty if the call is not signed
	AccessKeyID string     // from the signature
	Region      string     // from the signature's scope
	UserAgent   string
	Header      http.Header
	Status      int    // HTTP status of the response; 0 while there is none
	Code        string // AWS's error code; empty for success

	// What CloudTrail records about the session that the call created. Any step of the chain may have set it.
	SourceIdentity string
	SessionTags    map[string]string

	by   string // short name of the caller
	lost bool   // the response was lost or cut off
}

// shown lists the parameters that [Call.String] prints, with their short names, in order.
var shown = []struct{ param, name string }{
	{"UserName", "user"}, {"AccessKeyId", "key"}, {"Status", "status"}, {"Name", "name"}, {"DurationSeconds", "duration"},
	{"SerialNumber", "mfa"}, {"RoleSessionName", "session"}, {"ExternalId", "external-id"}, {"SourceIdentity", "source-identity"},
	{"grantType", "grant"}, {"grant_type", "grant"}, {"account_id", "account"}, {"role_name", "role"},
}

// String returns the call in one line without secrets, for tables in tests:
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

// Calls returns all recorded calls, oldest first, including those that are not answered yet.
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

// Await waits until n calls of action have arrived since the last Reset, whether answered or not. An empty action means any action.
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

// record records a call when it arrives. Its result is filled in later.
func (a *AWS) record(r *request) {
	r.call = &Call{
		Time: r.now, Service: r.service, Action: r.action, Method: r.http.Method, Params: r.params,
		UserAgent: r.http.UserAgent(), Header: r.http.Header.Clone(),
	}
	a.calls = append(a.calls, r.call)
	close(a.arrived)
	a.arrived = make(chan struct{})
}

// Watch runs f twice for each later request: on arrival, and after processing but before the response. The request waits
// for f. If f returns true, the connection is closed. A nil f stops watching.
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
