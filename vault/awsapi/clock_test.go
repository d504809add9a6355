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
		r := newRoom(t)
		r.aws.Fail(fakeaws.Fault{Skew: skew, Times: -1})
		r.make(r.readOnly())
		if calls := r.wantCalls(2); calls[0].Code != "SignatureDoesNotMatch" || calls[1].Code != "" {
			t.Errorf("called %v", r.aws.Actions())
		}
		if r.Clock.Skew() != skew || !r.Clock.Now().Equal(r.aws.Now().Add(skew)) {
			t.Errorf("the skew is %s, want %s", r.Clock.Skew(), skew)
		}
		r.make(r.readOnly())
		r.wantCalls(3) // signed right at once
		r.wantTold(said)
	}
}

func TestSmallErrorOfTheClockIsNotTouched(t *testing.T) {
	r := newRoom(t)
	r.aws.Fail(fakeaws.Fault{Skew: 3 * time.Minute, Times: -1})
	r.make(r.readOnly())
	r.wantCalls(1)
	r.wantTold()
}

// A server runs for days, in which the computer may set its own clock.
func TestClockThatIsMendedIsBelievedAgain(t *testing.T) {
	r := newRoom(t)
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: 2})
	r.make(r.readOnly())
	r.make(r.readOnly())
	r.wantCalls(4)
	if r.Clock.Skew() != 0 {
		t.Errorf("the skew is %s", r.Clock.Skew())
	}
	r.wantTold("this computer's clock is 20m0s behind AWS's; AWS's time is used", "this computer's clock is right again")
}

func TestWrongClockUnderManyCalls(t *testing.T) {
	r := newRoom(t)
	arrived := make(chan struct{})
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: 10, Until: arrived})
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: -1})
	errs := make([]error, 10)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = r.send(t.Context(), r.readOnly()) })
	}
	if err := r.aws.Await(t.Context(), "AssumeRole", len(errs)); err != nil {
		t.Fatal(err)
	}
	close(arrived) // all have signed by the wrong clock
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	r.wantCalls(20)
	if len(r.told) != 1 {
		t.Errorf("told %q", r.told)
	}
}

// refusedAt is AWS's refusal with a Date.
func refusedAt(code, date, endpoint string, encrypted bool) error {
	u, _ := url.Parse(endpoint)
	return fmt.Errorf("sts: %w", &refusal{status: 403, code: code, date: date, proven: proven(u, encrypted)})
}

func TestDateIsBelievedFromAWSAlone(t *testing.T) {
	const date = "Wed, 02 Jan 2030 12:20:10 GMT"
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"TLS", refusedAt("SignatureDoesNotMatch", date, "https://sts.amazonaws.com", true), true},
		{"another code", refusedAt("RequestTimeTooSkewed", date, "https://sts.amazonaws.com", true), true},
		{"loopback", refusedAt("SignatureDoesNotMatch", date, "http://[::1]:80", false), true},
		{"plain HTTP", refusedAt("SignatureDoesNotMatch", date, "http://sts.amazonaws.com", false), false},
		{"name like loopback", refusedAt("SignatureDoesNotMatch", date, "http://127.0.0.1.example.com", false), false},
		{"refusal of something else", refusedAt("AccessDenied", date, "https://sts.amazonaws.com", true), false},
		{"no date", refusedAt("SignatureDoesNotMatch", "", "https://sts.amazonaws.com", true), false},
		{"junk", refusedAt("SignatureDoesNotMatch", "yesterday", "https://sts.amazonaws.com", true), false},
		{"no answer", errors.New("EOF"), false},
		{"success", nil, false},
	} {
		r := newRoom(t)
		if got := r.corrected(0, c.err); got != c.want {
			t.Errorf("%s: corrected is %v, want %v", c.name, got, c.want)
		}
		if believed := r.Clock.Skew() != 0; believed != c.want {
			t.Errorf("%s: the skew is %s", c.name, r.Clock.Skew())
		}
	}
}

// A key whose secret is wrong is not tried twice.
func TestWrongSignatureAtTheRightTime(t *testing.T) {
	r := newRoom(t)
	s := r.readOnly()
	s.by.SecretAccessKey = r.keep("wrong/EXAMPLE/SECRET")
	_, err := r.send(t.Context(), s)
	r.noSecret("error", err.Error())
	r.wantText(err, "SignatureDoesNotMatch")
	r.wantCalls(1)
	r.wantTold()
}

func TestRefusedSignatureIsSignedAgainOnce(t *testing.T) {
	r := newRoom(t)
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute})
	r.aws.Fail(fakeaws.Fault{Skew: -20 * time.Minute})
	r.wantText(r.fail(r.readOnly()), "SignatureDoesNotMatch")
	if got := r.aws.Actions(); len(slices.Compact(got)) != 1 || len(r.aws.Calls()) != 2 {
		t.Errorf("called %v", got)
	}
}
