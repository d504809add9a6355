package awsapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"aws-vault/internal/fakeaws"
)

// A profile's max_attempts limits the attempts of its calls, in every retry_mode.
func TestMaxAttempts(t *testing.T) {
	for _, mode := range []string{"", "standard", "adaptive", "legacy"} {
		for attempts, want := range map[int]int{0: 3, 1: 1, 2: 2, 5: 5} {
			r := newFixture(t)
			r.aws.Fail(fakeaws.Fault{Status: 500, Times: -1})
			s := r.assumeReadOnly()
			s.Endpoint.MaxAttempts, s.Endpoint.RetryMode = attempts, mode
			r.sendFails(s)
			r.wantCalls(want)
		}
	}
}

// max_attempts also applies to the unsigned calls of aws login and of the console.
func TestMaxAttemptsOfUnsignedCalls(t *testing.T) {
	for attempts, want := range map[int]int32{0: 3, 1: 1, 2: 2, 5: 5} {
		for status, want := range map[int]int32{500: want, 503: want, 403: 1} {
			r := newFixture(t)
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
			}))
			defer server.Close()
			at := Endpoint{URL: server.URL, Origin: "AWS_ENDPOINT_URL_SIGNIN", MaxAttempts: attempts}
			login := Login{r.Client, Target{Region: "eu-west-1", Endpoint: at}}
			err := login.CreateToken(t.Context(), comparisonKey(t), LoginGrant{}, func(LoginTokens) { t.Error("a failed call returned tokens") })
			if got := calls.Swap(0); got != want || err == nil {
				t.Errorf("aws login, %d attempts, status %d: %d calls (%v), want %d", attempts, status, got, err, want)
			}
			_, err = r.SignInToken(t.Context(), at, r.roleSession(), 0)
			if got := calls.Load(); got != want || err == nil {
				t.Errorf("console, %d attempts, status %d: %d calls (%v), want %d", attempts, status, got, err, want)
			}
		}
	}
}

// A request that contains an MFA code or creates a key is sent only once, even if max_attempts allows more attempts.
func TestSingleUseCallsAreNotRetried(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Status: 500, Times: -1})
	s := r.newTestCall(func(ctx context.Context, sts STS, by aws.Credentials) (aws.Credentials, error) {
		return sts.SessionToken(ctx, by, 0, MFA{Serial: r.world.MFA.Serial(), Code: r.addSecret("123456")})
	})
	s.Endpoint.MaxAttempts = 5
	r.sendFails(s)
	r.wantCalls(1)

	keys := r.accessKeys()
	keys.Target.Endpoint.MaxAttempts = 5
	if _, err := keys.Create(t.Context()); err == nil {
		t.Error("Create succeeded, want an error")
	}
	r.wantCalls(2)
}

// A call is retried after each of the SDK's throttling codes. It is not retried after a permanent error.
func TestThrottlesAreRetried(t *testing.T) {
	codes := map[string]int{"AccessDenied": 1, "ValidationError": 1}
	for code := range retry.DefaultThrottleErrorCodes {
		codes[code] = 3
	}
	for code, want := range codes {
		r := newFixture(t)
		r.aws.Fail(fakeaws.Fault{Code: code, Times: -1})
		if e := sendFailsAs[*APIError](r, r.assumeReadOnly()); e.Code != code || e.Retry != (want > 1) {
			t.Errorf("%s: got %+v, want Retry to be %v", code, e, want > 1)
		}
		r.wantCalls(want)
	}
}

// After too many failures, a process stops retrying. The SDK's clients have the same quota.
func TestRetryQuota(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Status: 500, Times: -1})
	r.sendFails(r.assumeReadOnly())
	r.wantCalls(3)
	for range int(retry.DefaultRetryRateTokens) {
		r.sendFails(r.assumeReadOnly())
	}
	before := len(r.aws.Calls())
	r.sendFails(r.assumeReadOnly())
	r.wantCalls(before + 1)
}

// A wait before a retry is at most maxBackoff. If the wait is canceled, the call is not retried.
func TestBackoffIsBounded(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Status: 500, Times: -1})
	r.Timeout, r.Backoff = time.Minute, nil
	var waits []time.Duration
	r.Sleep = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	s := r.assumeReadOnly()
	s.Endpoint.MaxAttempts = 9
	r.sendFails(s)
	if len(waits) != 8 {
		t.Errorf("waits are %v, want 8 waits", waits)
	}
	for _, d := range waits {
		if d > maxBackoff {
			t.Errorf("wait is %s, want at most %s", d, maxBackoff)
		}
	}
	r.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
	r.sendFails(s)
	r.wantCalls(10)
}
