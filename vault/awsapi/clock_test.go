package awsapi

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

func TestWrongClockIsCorrectedOnce(t *testing.T) {
	for skew, notice := range map[time.Duration]string{
		20 * time.Minute:  "this computer's clock is 20m0s behind AWS's; AWS's time is used",
		-20 * time.Minute: "this computer's clock is 20m0s ahead of AWS's; AWS's time is used",
	} {
		r := newFixture(t)
		r.aws.Fail(fakeaws.Fault{Skew: skew, Times: -1})
		r.mustSend(r.assumeReadOnly())
		if calls := r.wantCalls(2); calls[0].Code != "SignatureDoesNotMatch" || calls[1].Code != "" {
			t.Errorf("AWS calls are %v, want a refused call and a successful one", r.aws.Actions())
		}
		if r.Clock.Skew() != skew || !r.Clock.Now().Equal(r.aws.Now().Add(skew)) {
			t.Errorf("clock skew is %s, want %s", r.Clock.Skew(), skew)
		}
		r.mustSend(r.assumeReadOnly())
		r.wantCalls(3) // only one more call: the second request was signed with the corrected time
		r.wantNotices(notice)
	}
}

// A measurement without a response is repeated at the next call. A measurement with a response is not.
func TestClockIsMeasuredAgain(t *testing.T) {
	r := newFixture(t)
	measure := func(want int) {
		t.Helper()
		STS{Client: r.Client, Target: Target{Region: "eu-west-1", Endpoint: Endpoint{URL: r.aws.URL()}}}.MeasureClock(t.Context())
		r.wantCalls(want)
	}
	r.aws.Fail(fakeaws.Fault{Hangup: true})
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: -1})
	measure(1)
	measure(2)
	if r.Clock.Skew() != 20*time.Minute {
		t.Errorf("clock skew is %s, want 20m", r.Clock.Skew())
	}
	measure(2)
}

func TestSmallClockErrorIsIgnored(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Skew: 3 * time.Minute, Times: -1})
	r.mustSend(r.assumeReadOnly())
	r.wantCalls(1)
	r.wantNotices()
}

// While a server process runs for days, the computer's clock may be corrected. The Client must then stop using
// AWS's time.
func TestComputerClockBecomesCorrect(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: 2})
	r.mustSend(r.assumeReadOnly())
	r.mustSend(r.assumeReadOnly())
	r.wantCalls(4)
	if r.Clock.Skew() != 0 {
		t.Errorf("clock skew is %s, want 0", r.Clock.Skew())
	}
	r.wantNotices("this computer's clock is 20m0s behind AWS's; AWS's time is used", "this computer's clock is correct again")
}

func TestWrongClockWithConcurrentCalls(t *testing.T) {
	r := newFixture(t)
	allArrived := make(chan struct{})
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: 10, Until: allArrived})
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: -1})
	errs := make([]error, 10)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = r.send(t.Context(), r.assumeReadOnly()) })
	}
	if err := r.aws.Await(t.Context(), "AssumeRole", len(errs)); err != nil {
		t.Fatal(err)
	}
	close(allArrived) // all ten requests have arrived, signed with the wrong time
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	r.wantCalls(20)
	if len(r.notices) != 1 {
		t.Errorf("notices are %q, want one", r.notices)
	}
}

// refusalWithDate returns the error of a call that AWS refused. code is the error code, and date is the Date
// header of the response. encrypted reports whether the response came over TLS. The date is trusted if encrypted
// is true, or if the endpoint is on this computer.
func refusalWithDate(code, date, endpoint string, encrypted bool) error {
	u, _ := url.Parse(endpoint)
	return fmt.Errorf("sts: %w", &refusal{status: 403, code: code, date: date, authenticated: isAuthenticated(u, encrypted)})
}

func TestOnlyAuthenticatedDatesAreTrusted(t *testing.T) {
	const date = "Wed, 02 Jan 2030 12:20:10 GMT"
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"TLS", refusalWithDate("SignatureDoesNotMatch", date, "https://sts.amazonaws.com", true), true},
		{"code RequestTimeTooSkewed", refusalWithDate("RequestTimeTooSkewed", date, "https://sts.amazonaws.com", true), true},
		{"loopback", refusalWithDate("SignatureDoesNotMatch", date, "http://[::1]:80", false), true},
		{"plain HTTP", refusalWithDate("SignatureDoesNotMatch", date, "http://sts.amazonaws.com", false), false},
		{"host that starts like loopback", refusalWithDate("SignatureDoesNotMatch", date, "http://127.0.0.1.example.com", false), false},
		{"code AccessDenied", refusalWithDate("AccessDenied", date, "https://sts.amazonaws.com", true), false},
		{"no date", refusalWithDate("SignatureDoesNotMatch", "", "https://sts.amazonaws.com", true), false},
		{"invalid date", refusalWithDate("SignatureDoesNotMatch", "yesterday", "https://sts.amazonaws.com", true), false},
		{"no response", errors.New("EOF"), false},
		{"success", nil, false},
	} {
		r := newFixture(t)
		if got := r.correctClock(0, c.err); got != c.want {
			t.Errorf("%s: correctClock = %v, want %v", c.name, got, c.want)
		}
		if changed := r.Clock.Skew() != 0; changed != c.want {
			t.Errorf("%s: clock skew is %s", c.name, r.Clock.Skew())
		}
	}
}

// AWS returns the same error code for a wrong secret as for a wrong time. A call with a wrong secret must not be
// retried.
func TestWrongSecretIsNotRetried(t *testing.T) {
	r := newFixture(t)
	s := r.assumeReadOnly()
	s.by.SecretAccessKey = r.addSecret("wrong/EXAMPLE/SECRET")
	_, err := r.send(t.Context(), s)
	r.noSecret("error", err.Error())
	r.wantText(err, "SignatureDoesNotMatch")
	r.wantCalls(1)
	r.wantNotices()
}

func TestRequestIsResignedOnce(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute})
	r.aws.Fail(fakeaws.Fault{Skew: -20 * time.Minute})
	r.wantText(r.sendFails(r.assumeReadOnly()), "SignatureDoesNotMatch")
	if got := r.aws.Actions(); len(slices.Compact(got)) != 1 || len(r.aws.Calls()) != 2 {
		t.Errorf("AWS calls are %v, want AssumeRole twice", got)
	}
}
