package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// fakeTime uses the fake clock of a test that runs in a synctest bubble.
var fakeTime = Clock{Now: time.Now, AfterFunc: time.AfterFunc}

// A fakeIssuer creates credentials as AWS does. Tests set the delays and failures of its calls.
type fakeIssuer struct {
	lifetime   time.Duration
	firstDelay time.Duration // delay of the first call
	laterDelay time.Duration // delay of all calls after the first; 0 means firstDelay
	fails      func(call int) error

	calls atomic.Int64
}

func (i *fakeIssuer) create(context.Context, time.Duration) (aws.Credentials, error) {
	n := int(i.calls.Add(1))
	if n == 1 || i.laterDelay == 0 {
		time.Sleep(i.firstDelay)
	} else {
		time.Sleep(i.laterDelay)
	}
	if i.fails != nil {
		if err := i.fails(n); err != nil {
			return aws.Credentials{}, err
		}
	}
	return aws.Credentials{
		AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SessionToken: "EXAMPLETOKEN",
		CanExpire: true, Expires: time.Now().Add(i.lifetime),
	}, nil
}

var errAWS = errors.New("AWS returned an error")

func thirdFails(call int) error {
	if call%3 == 0 {
		return errAWS
	}
	return nil
}

// For six hours, every third call to AWS fails. No client sees a failure, or receives credentials that expire soon.
func TestRenewalFailuresAreHidden(t *testing.T) {
	for _, c := range []struct {
		lasts, least time.Duration
		calls        int64 // maximum number of calls: the necessary calls and the failed calls
	}{
		{15 * time.Minute, 7 * time.Minute, 80},
		{time.Hour, ECSMinValidity, 20},
		{8 * time.Hour, ECSMinValidity, 4},
	} {
		t.Run(c.lasts.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &fakeIssuer{lifetime: c.lasts, firstDelay: 300 * time.Millisecond, fails: thirdFails}
				l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
				defer l.Close()
				var clients sync.WaitGroup
				for n := range 20 {
					clients.Go(func() {
						time.Sleep(time.Duration(n) * time.Second)
						for range 600 {
							h, err := l.Get(t.Context())
							if err != nil {
								t.Errorf("after %d calls: %v", i.calls.Load(), err)
							} else if left := time.Until(h.Credentials.Expires); left < c.least-time.Minute {
								t.Errorf("the credentials are valid for %s, want %s", left, c.least)
							}
							time.Sleep(time.Duration(20+n) * time.Second)
						}
					})
				}
				clients.Wait()
				if n := i.calls.Load(); n > c.calls {
					t.Errorf("AWS was called %d times, want at most %d", n, c.calls)
				}
			})
		})
	}
}

func TestClientsShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &fakeIssuer{lifetime: time.Hour, firstDelay: time.Second}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer l.Close()
		gone, leave := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		clients.Go(func() { // the first client leaves before it receives a response
			if _, err := l.Get(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("the first client got %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			clients.Go(func() {
				if _, err := l.Get(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		leave()
		clients.Wait()
		if n := i.calls.Load(); n != 1 {
			t.Errorf("AWS was called %d times, want 1", n)
		}
	})
}

// A client finds no credentials. Before this client starts a renewal, the renewal of another client ends. The
// first client then receives the new credentials and starts no second renewal.
func TestRenewedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &fakeIssuer{lifetime: time.Hour}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer l.Close()
		before := l.current.Load()
		if _, err := l.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h, err := l.waitForRenewal(t.Context(), before, time.Now()); err != nil || h != l.current.Load() {
			t.Errorf("waitForRenewal = %v, %v, want the current credentials", h, err)
		}
		if n := i.calls.Load(); n != 1 {
			t.Errorf("AWS was called %d times, want 1", n)
		}
	})
}

// If all renewals fail, the current credentials are returned until they expire. After that no credentials are returned.
func TestExpiredIsNeverReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reported atomic.Int64
		i := &fakeIssuer{lifetime: time.Hour, fails: func(call int) error {
			if call > 1 {
				return errAWS
			}
			return nil
		}}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime, RenewalFailed: func(error) { reported.Add(1) }}
		defer l.Close()
		for begun := time.Now(); time.Since(begun) < 2*time.Hour; time.Sleep(10 * time.Second) {
			h, err := l.Get(t.Context())
			valid := time.Since(begun) < time.Hour
			if valid && (err != nil || !time.Now().Before(h.Credentials.Expires)) {
				t.Fatalf("after %s: %v, want credentials that are still valid", time.Since(begun), err)
			}
			if !valid && !errors.Is(err, errAWS) {
				t.Fatalf("after %s: %v, want the error of AWS", time.Since(begun), err)
			}
		}
		if n := reported.Load(); n != 1 {
			t.Errorf("RenewalFailed was called %d times, want 1", n)
		}
	})
}

// If AWS does not respond and the current credentials are still valid, a client waits for at most maxRenewalWait.
func TestHangingRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &fakeIssuer{lifetime: time.Hour, laterDelay: 30 * time.Minute}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer l.Close()
		if _, err := l.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Minute)
		for range 3 {
			begun := time.Now()
			if _, err := l.Get(t.Context()); err != nil || time.Since(begun) > maxRenewalWait {
				t.Errorf("Get returned %v after %s", err, time.Since(begun))
			}
		}
		// If the current credentials expire while the client waits, the client waits until the renewal ends.
		time.Sleep(10*time.Minute - 3*maxRenewalWait - maxRenewalWait/2)
		begun := time.Now()
		h, err := l.Get(t.Context())
		if err != nil || !h.valid(time.Now()) || time.Since(begun) < time.Minute {
			t.Errorf("Get returned %v after %s", err, time.Since(begun))
		}
	})
}

// Credentials that no client requests are not renewed. The next request creates new credentials.
func TestUnusedCacheIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &fakeIssuer{lifetime: time.Hour}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer l.Close()
		if _, err := l.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		if n := i.calls.Load(); n != 2 { // one call to create the credentials, and one call to renew them
			t.Errorf("AWS was called %d times, want 2", n)
		}
		if h, err := l.Get(t.Context()); err != nil || !h.valid(time.Now()) {
			t.Errorf("Get after a day returned %v", err)
		}
		l.Close()
		time.Sleep(time.Hour)
		if n := i.calls.Load(); n != 3 {
			t.Errorf("AWS was called %d times, want 3: a closed cache does not renew", n)
		}
		if _, err := l.Get(t.Context()); err != nil {
			t.Errorf("Get of a closed cache returned %v", err)
		}
	})
}

// If a new session needs a prompt that is not possible, Create returns the previous session again. The cache must
// not call Create in a loop.
func TestUnchangedCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := aws.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", CanExpire: true, Expires: time.Now().Add(time.Hour)}
		var calls atomic.Int64
		l := &CredentialCache{MinValidity: ECSMinValidity, Clock: fakeTime, Create: func(context.Context, time.Duration) (aws.Credentials, error) {
			calls.Add(1)
			return stored, nil
		}}
		defer l.Close()
		for range 59 {
			if _, err := l.Get(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if n := calls.Load(); n > 20 {
			t.Errorf("Create was called %d times in an hour", n)
		}
		time.Sleep(time.Minute)
		if _, err := l.Get(t.Context()); !errors.Is(err, ErrExpired) {
			t.Errorf("%v, want %v", err, ErrExpired)
		}
	})
}

// While a stored session is valid for long enough, Create returns that session. Only the first client waits for AWS.
func TestClientsDoNotWaitForRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &fakeIssuer{lifetime: time.Hour, firstDelay: 300 * time.Millisecond}
		var stored aws.Credentials
		l := &CredentialCache{MinValidity: ECSMinValidity, Clock: fakeTime, Create: func(ctx context.Context, need time.Duration) (c aws.Credentials, err error) {
			if time.Until(stored.Expires) < min(need, i.lifetime/2) {
				stored, err = i.create(ctx, need)
			}
			return stored, err
		}}
		defer l.Close()
		for n := range 6 * 60 * 60 {
			begun := time.Now()
			h, err := l.Get(t.Context())
			if err != nil || time.Until(h.Credentials.Expires) < ECSMinValidity {
				t.Fatalf("the credentials are valid for %s, %v", time.Until(h.Credentials.Expires), err)
			}
			if waited := time.Since(begun); waited > 0 && n > 0 {
				t.Fatalf("waited for %s, after %d seconds", waited, n)
			}
			time.Sleep(time.Second)
		}
		if n := i.calls.Load(); n != 10 {
			t.Errorf("AWS was called %d times, want 10", n)
		}
	})
}

// Credentials without an expiry are returned with the lifetime defaultLifetime, so that clients request them again.
func TestCredentialsWithoutExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &CredentialCache{MinValidity: ECSMinValidity, Clock: fakeTime, Create: func(context.Context, time.Duration) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE"}, nil
		}}
		defer l.Close()
		if h, err := l.Get(t.Context()); err != nil || !h.Credentials.Expires.Equal(time.Now().Add(defaultLifetime)) {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// CreateFirst uses the function create and the caller's context. The renewal uses the field Create.
func TestCreateFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, first := &fakeIssuer{lifetime: time.Hour}, &fakeIssuer{lifetime: time.Hour}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer l.Close()
		type key struct{}
		caller := context.WithValue(t.Context(), key{}, "caller")
		err := l.CreateFirst(caller, func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
			if ctx.Value(key{}) != "caller" || need != ECSMinValidity+renewLead {
				t.Errorf("the first call has the context %v and the validity %s", ctx, need)
			}
			return first.create(ctx, need)
		})
		if err != nil || first.calls.Load() != 1 || i.calls.Load() != 0 {
			t.Fatalf("CreateFirst returned %v after %d and %d calls, want 1 and 0", err, first.calls.Load(), i.calls.Load())
		}
		time.Sleep(50 * time.Minute)
		synctest.Wait()
		if first.calls.Load() != 1 || i.calls.Load() != 1 {
			t.Errorf("after the renewal, there were %d and %d calls, want 1 and 1", first.calls.Load(), i.calls.Load())
		}
		failed := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer failed.Close()
		if err := failed.CreateFirst(caller, func(context.Context, time.Duration) (aws.Credentials, error) { return aws.Credentials{}, errAWS }); err != errAWS {
			t.Errorf("CreateFirst returned %v, want its function's error", err)
		}
	})
}
