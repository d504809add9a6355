package awsapi

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

func (r *fixture) sts() STS {
	return STS{r.Client, Target{Region: "eu-west-1", Endpoint: Endpoint{URL: r.aws.URL(), Origin: "AWS_ENDPOINT_URL"}}}
}

func TestDate(t *testing.T) {
	r := newFixture(t)
	r.aws.Advance(42 * time.Minute)
	date, err := r.sts().Date(t.Context())
	if err != nil || !date.Equal(r.aws.Now().Truncate(time.Second)) {
		t.Errorf("Date returned %s, %v, want %s", date, err, r.aws.Now())
	}
}

func TestDateErrors(t *testing.T) {
	r := newFixture(t)
	r.Timeout = 50 * time.Millisecond
	r.aws.Fail(fakeaws.Fault{Hang: true})
	var timeout *TimeoutError
	if _, err := r.sts().Date(t.Context()); !errors.As(err, &timeout) {
		t.Errorf("endpoint that never responds: got %v, want a TimeoutError", err)
	}
	stopped := r.sts()
	r.aws.Close()
	r.Timeout = 0
	var unreachable *UnreachableError
	if _, err := stopped.Date(t.Context()); !errors.As(err, &unreachable) {
		t.Errorf("stopped endpoint: got %v, want an UnreachableError", err)
	}
}

func TestCheckProxy(t *testing.T) {
	r := newFixture(t)
	r.Network.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://user:hunter2@proxy.example.com:3128") }
	if proxy, err := r.sts().CheckProxy(); proxy != "http://proxy.example.com:3128" || err != nil {
		t.Errorf("CheckProxy = %q, %v, want the proxy without its password", proxy, err)
	}
	r.Network.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("hunter2") }
	if _, err := r.sts().CheckProxy(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("invalid proxy: got %v, want an error without the password", err)
	}
	r.Network.Proxy = nil
	noRoots := r.sts()
	noRoots.Target.Endpoint.CABundle = "/nowhere/roots.pem"
	if _, err := noRoots.CheckProxy(); err == nil || !strings.Contains(err.Error(), "ca_bundle") {
		t.Errorf("missing root certificates: got %v, want an error about ca_bundle", err)
	}
	if proxy, err := r.sts().CheckProxy(); proxy != "" || err != nil {
		t.Errorf("without a proxy: CheckProxy = %q, %v, want an empty string", proxy, err)
	}
	if calls := r.aws.Calls(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}
