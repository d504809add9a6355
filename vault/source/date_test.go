package source

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/plan"
	"aws-vault/vault/vaulttest"
)

func (r *room) here() plan.Call {
	return plan.Call{Service: "sts", Region: "eu-west-1", Endpoint: plan.Endpoint{URL: r.aws.URL(), Origin: "AWS_ENDPOINT_URL"}}
}

func TestDate(t *testing.T) {
	r := newRoom(t)
	r.aws.Advance(42 * time.Minute)
	date, err := r.Date(t.Context(), r.here())
	if err != nil || !date.Equal(r.aws.Now().Truncate(time.Second)) {
		t.Errorf("Date returned %s, %v, want %s", date, err, r.aws.Now())
	}
}

func TestDateFails(t *testing.T) {
	r := newRoom(t)
	r.Timeout = 50 * time.Millisecond
	r.aws.Fail(vaulttest.Fault{Hang: true})
	var late *TimeoutError
	if _, err := r.Date(t.Context(), r.here()); !errors.As(err, &late) {
		t.Errorf("an endpoint that hangs: %v", err)
	}
	gone := r.here()
	r.aws.Close()
	r.Timeout = 0
	var away *UnreachableError
	if _, err := r.Date(t.Context(), gone); !errors.As(err, &away) {
		t.Errorf("an endpoint that is gone: %v", err)
	}
}

func TestReachable(t *testing.T) {
	r := newRoom(t)
	r.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://user:hunter2@proxy.example.com:3128") }
	if proxy, err := r.Reachable(r.here()); proxy != "http://proxy.example.com:3128" || err != nil {
		t.Errorf("Reachable returned %q, %v", proxy, err)
	}
	r.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("hunter2") }
	if _, err := r.Reachable(r.here()); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("an unreadable proxy: %v", err)
	}
	r.Proxy = nil
	none := r.here()
	none.Endpoint.CABundle = "/nowhere/roots.pem"
	if _, err := r.Reachable(none); err == nil || !strings.Contains(err.Error(), "ca_bundle") {
		t.Errorf("roots that are not there: %v", err)
	}
	if proxy, err := r.Reachable(r.here()); proxy != "" || err != nil {
		t.Errorf("Reachable returned %q, %v", proxy, err)
	}
	if calls := r.aws.Calls(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}
