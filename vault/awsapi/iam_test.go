package awsapi

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

func (r *fixture) accessKeys() AccessKeys {
	return AccessKeys{Client: r.Client, Target: r.iamTarget(), User: "alice", Creds: r.key()}
}

func (r *fixture) iamTarget() Target {
	return Target{Region: "eu-west-1", Endpoint: Endpoint{URL: r.aws.URL(), Origin: "~/.aws/config:3"}}
}

func TestAccessKeys(t *testing.T) {
	r := newFixture(t)
	keys := r.accessKeys()
	created, err := keys.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.addSecret(created.SecretAccessKey)
	if at, _, err := keys.LastUsed(t.Context(), created.AccessKeyID); err != nil || !at.IsZero() {
		t.Errorf("LastUsed of the new key = %v, %v, want the zero time", at, err)
	}
	if err := keys.SetActive(t.Context(), created.AccessKeyID, false); err != nil {
		t.Error(err)
	}
	list, at, err := keys.List(t.Context())
	if err != nil || len(list) != 2 || !list[0].Active || list[1].Active || list[1].ID != created.AccessKeyID || list[1].Created.IsZero() {
		t.Errorf("List = %+v, %v, want an active and an inactive key", list, err)
	}
	if d := at.Sub(r.aws.Now()).Abs(); d > time.Second {
		t.Errorf("the time from List differs from AWS's time by %s", d)
	}
	if err := keys.SetActive(t.Context(), created.AccessKeyID, true); err != nil {
		t.Error(err)
	}
	if at, service, err := keys.LastUsed(t.Context(), r.world.Key.ID); err != nil || at.IsZero() || service != "iam" {
		t.Errorf("LastUsed of the old key = %v, %q, %v, want a time and iam", at, service, err)
	}
	if err := keys.Delete(t.Context(), created.AccessKeyID); err != nil {
		t.Error(err)
	}
	err = keys.Delete(t.Context(), created.AccessKeyID)
	var api *APIError
	if !errors.As(err, &api) || api.Code != "NoSuchEntity" || strings.Contains(err.Error(), created.AccessKeyID) || MayHaveSucceeded(err) {
		t.Errorf("got %v, want NoSuchEntity without the key's ID", err)
	}
}

// Create sends only one request, even if the request fails or the response is lost.
func TestCreateIsNotRetried(t *testing.T) {
	for name, f := range map[string]fakeaws.Fault{
		"500": {Status: 500}, "connection closed": {Hangup: true}, "response lost": {AnswerLost: true}, "truncated": {TruncateXML: true}, "sign-in page": {HTML: true},
	} {
		r := newFixture(t)
		r.aws.Fail(f)
		if _, err := r.accessKeys().Create(t.Context()); !MayHaveSucceeded(err) {
			t.Errorf("%s: MayHaveSucceeded(%v) = false, want true", name, err)
		}
		r.wantCalls(1)
	}
}

func TestClockIsCorrectedForIAM(t *testing.T) {
	r := newFixture(t)
	r.Clock.Local = func() time.Time { return r.aws.Now().Add(20 * time.Minute) }
	if _, err := r.accessKeys().Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantCalls(2)
	r.wantNotices("this computer's clock is 20m0s ahead of AWS's; AWS's time is used")
}

func TestMayHaveSucceeded(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{&APIError{Status: http.StatusConflict}, false},
		{&APIError{Status: http.StatusBadRequest}, false},
		{&APIError{Status: http.StatusInternalServerError}, true},
		{&APIError{}, true},
		{&TimeoutError{}, true},
		{&UnreachableError{}, true},
		{&UnreachableError{Err: &net.OpError{Op: "read"}}, true},
		{&UnreachableError{Err: &net.OpError{Op: "dial"}}, false},
		{&NotAWSError{}, true},
	} {
		if got := MayHaveSucceeded(tt.err); got != tt.want {
			t.Errorf("MayHaveSucceeded(%#v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

// TestCreateWithoutRequest checks that MayHaveSucceeded returns false if Create fails before it sends a request.
func TestCreateWithoutRequest(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, e := range map[string]Endpoint{
		"invalid URL":        {URL: "ftp://example.com"},
		"plain HTTP":         {URL: "http://example.com"},
		"missing CA bundle":  {URL: closed.URL, CABundle: "/nonexistent"},
		"connection refused": {URL: closed.URL},
		"unparsable host":    {URL: "http://127.0.0.1:1%zz"},
	} {
		r := newFixture(t)
		keys := r.accessKeys()
		keys.Target.Endpoint = e
		if _, err := keys.Create(t.Context()); err == nil || MayHaveSucceeded(err) {
			t.Errorf("%s: MayHaveSucceeded(%v) = true, want false", name, err)
		}
	}
}

func TestIAMEndpointNames(t *testing.T) {
	for _, tt := range []struct {
		at   Target
		want string
	}{
		{Target{Region: "eu-west-1"}, "https://iam.amazonaws.com"},
		{Target{Region: "cn-north-1"}, "https://iam.cn-north-1.amazonaws.com.cn"},
		{Target{Region: "us-gov-west-1"}, "https://iam.us-gov.amazonaws.com"},
		{Target{Region: "us-east-1", Endpoint: Endpoint{FIPS: true}}, "https://iam-fips.amazonaws.com"},
		{Target{Region: "eu-west-1", Endpoint: Endpoint{DualStack: true}}, "https://iam.global.api.aws"},
		{Target{Endpoint: Endpoint{URL: "http://127.0.0.1:1/x"}}, "http://127.0.0.1:1"},
	} {
		got := AccessKeys{Target: tt.at}.endpointName()
		if got != tt.want {
			t.Errorf("%+v: endpointName = %s, want %s", tt.at, got, tt.want)
		}
		if host := strings.TrimPrefix(got, "https://"); tt.at.Endpoint.URL == "" && !isAWS(host) {
			t.Errorf("isAWS(%q) = false, want true", host)
		}
	}
}

func TestIAMTimeout(t *testing.T) {
	r := newFixture(t)
	r.Timeout = 50 * time.Millisecond
	r.aws.Fail(fakeaws.Fault{Hang: true, Times: -1})
	_, _, err := r.accessKeys().List(t.Context())
	var e *TimeoutError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a TimeoutError", err)
	}
	r.wantText(err, "ListAccessKeys: no response from "+r.aws.URL()+" within 50ms")
}
