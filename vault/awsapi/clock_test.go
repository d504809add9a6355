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
	for skew, said := range map[time.Duration]string{
		20 * time.Minute:  "this computer's clock is 20m0s behind AWS's; AWS's time is used",
		-20 * time.Minute: "this computer's clock is 20m0s ahead of AWS's; AWS's time is used",
	} {
		r := newFixture(t)
		r.aws.Fail(fakeaws.Fault{Skew: skew, Times: -1})
		r.mustSend(r.assumeReadOnly())
		if calls := r.wantCalls(2); calls[0].Code != "SignatureDoesNotMatch" || calls[1].Code != "" {
			t.Errorf("called %v", r.aws.Actions())
		}
		if r.Clock.Skew() != skew || !r.Clock.Now().Equal(r.aws.Now().Add(skew)) {
			t.Errorf("the skew is %s, want %s", r.Clock.Skew(), skew)
		}
		r.mustSend(r.assumeReadOnly())
		r.wantCalls(3) // already signed with the corrected time
		r.wantNotices(said)
	}
}

func TestSmallClockErrorIsIgnored(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Skew: 3 * time.Minute, Times: -1})
	r.mustSend(r.assumeReadOnly())
	r.wantCalls(1)
	r.wantNotices()
}

// During the days that a server runs, the computer may correct its own clock.
func TestFixedClockIsDetected(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: 2})
	r.mustSend(r.assumeReadOnly())
	r.mustSend(r.assumeReadOnly())
	r.wantCalls(4)
	if r.Clock.Skew() != 0 {
		t.Errorf("the skew is %s", r.Clock.Skew())
	}
	r.wantNotices("this computer's clock is 20m0s behind AWS's; AWS's time is used", "this computer's clock is correct again")
}

func TestWrongClockWithConcurrentCalls(t *testing.T) {
	r := newFixture(t)
	arrived := make(chan struct{})
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: 10, Until: arrived})
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: -1})
	errs := make([]error, 10)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = r.send(t.Context(), r.assumeReadOnly()) })
	}
	if err := r.aws.Await(t.Context(), "AssumeRole", len(errs)); err != nil {
		t.Fatal(err)
	}
	close(arrived) // all requests are signed with the wrong time
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	r.wantCalls(20)
	if len(r.notices) != 1 {
		t.Errorf("told %q", r.notices)
	}
}

// refusalWithDate returns a refusal by AWS with a Date header.
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
		{"another code", refusalWithDate("RequestTimeTooSkewed", date, "https://sts.amazonaws.com", true), true},
		{"loopback", refusalWithDate("SignatureDoesNotMatch", date, "http://[::1]:80", false), true},
		{"plain HTTP", refusalWithDate("SignatureDoesNotMatch", date, "http://sts.amazonaws.com", false), false},
		{"name like loopback", refusalWithDate("SignatureDoesNotMatch", date, "http://127.0.0.1.example.com", false), false},
		{"refusal of something else", refusalWithDate("AccessDenied", date, "https://sts.amazonaws.com", true), false},
		{"no date", refusalWithDate("SignatureDoesNotMatch", "", "https://sts.amazonaws.com", true), false},
		{"junk", refusalWithDate("SignatureDoesNotMatch", "yesterday", "https://sts.amazonaws.com", true), false},
		{"no answer", errors.New("EOF"), false},
		{"success", nil, false},
	} {
		r := newFixture(t)
		if got := r.correctClock(0, c.err); got != c.want {
			t.Errorf("%s: corrected is %v, want %v", c.name, got, c.want)
		}
		if believed := r.Clock.Skew() != 0; believed != c.want {
			t.Errorf("%s: the skew is %s", c.name, r.Clock.Skew())
		}
	}
}

// AWS reports a wrong secret in the same way as a wrong time.
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
		t.Errorf("called %v", got)
	}
}
