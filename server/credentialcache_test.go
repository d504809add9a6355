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

// fakeTime is the clock of the bubble that a test runs in.
var fakeTime = Clock{Now: time.Now, AfterFunc: time.AfterFunc}

// An issuer makes credentials as an AWS does, and fails as it is told to.
type fakeIssuer struct {
	lifetime   time.Duration
	firstDelay time.Duration // the first call
	laterDelay time.Duration // the others; 0 for as long as the first
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

var errAWS = errors.New("AWS says no")

func thirdFails(call int) error {
	if call%3 == 0 {
		return errAWS
	}
	return nil
}

// Six hours go by, and AWS fails one call in three, for short and for long
// sessions: no client sees a failure or an old credential.
func TestRenewalFailuresAreHidden(t *testing.T) {
	for _, c := range []struct {
		lasts, least time.Duration
		calls        int64 // as few as will do, and those that fail
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
								t.Errorf("%s are left, want %s", left, c.least)
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
		clients.Go(func() { // the first one is gone before there is an answer
			if _, err := l.Get(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("who is gone gets %v", err)
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
			t.Errorf("%d calls, want one", n)
		}
	})
}

// Who saw that nothing is held, and comes to wait when it has just been made, takes that.
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
			t.Errorf("%v, %v, want what has just been made", h, err)
		}
		if n := i.calls.Load(); n != 1 {
			t.Errorf("%d calls, want one", n)
		}
	})
}

// Once AWS fails for good, what there is is given until it expires, and nothing after.
func TestExpiredIsNeverReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int64
		i := &fakeIssuer{lifetime: time.Hour, fails: func(call int) error {
			if call > 1 {
				return errAWS
			}
			return nil
		}}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime, RenewalFailed: func(error) { told.Add(1) }}
		defer l.Close()
		for begun := time.Now(); time.Since(begun) < 2*time.Hour; time.Sleep(10 * time.Second) {
			h, err := l.Get(t.Context())
			valid := time.Since(begun) < time.Hour
			if valid && (err != nil || !time.Now().Before(h.Credentials.Expires)) {
				t.Fatalf("after %s: %v, want what is still valid", time.Since(begun), err)
			}
			if !valid && !errors.Is(err, errAWS) {
				t.Fatalf("after %s: %v, want what AWS says", time.Since(begun), err)
			}
		}
		if n := told.Load(); n != 1 {
			t.Errorf("told %d times that a renewal failed, want once", n)
		}
	})
}

// While AWS does not answer, nobody who could be answered waits for longer than a client
// would.
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
				t.Errorf("%v after %s", err, time.Since(begun))
			}
		}
		// What is waited for expires: then it is waited for longer.
		time.Sleep(10*time.Minute - 3*maxRenewalWait - maxRenewalWait/2)
		begun := time.Now()
		h, err := l.Get(t.Context())
		if err != nil || !h.valid(time.Now()) || time.Since(begun) < time.Minute {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}

// What nobody asks for is not renewed, and is made again when somebody does.
func TestUnusedCacheIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &fakeIssuer{lifetime: time.Hour}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer l.Close()
		if _, err := l.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		if n := i.calls.Load(); n != 2 { // once it was asked for, and renewed once after that
			t.Errorf("%d calls, want two", n)
		}
		if h, err := l.Get(t.Context()); err != nil || !h.valid(time.Now()) {
			t.Errorf("after a day: %v", err)
		}
		l.Close()
		time.Sleep(time.Hour)
		if n := i.calls.Load(); n != 3 {
			t.Errorf("%d calls, want three: a closed lease renews nothing", n)
		}
		if _, err := l.Get(t.Context()); err != nil {
			t.Errorf("a closed lease: %v", err)
		}
	})
}

// A store that gives the same session again, as only a person could make another, is not
// asked in a loop.
func TestUnchangedCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := aws.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", CanExpire: true, Expires: time.Now().Add(time.Hour)}
		var calls atomic.Int64
		l := &CredentialCache{MinValidity: ECSMinValidity, Clock: fakeTime, Create: func(context.Context, time.Duration) (aws.Credentials, error) {
			calls.Add(1)
			return kept, nil
		}}
		defer l.Close()
		for range 59 {
			if _, err := l.Get(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if n := calls.Load(); n > 20 {
			t.Errorf("%d calls in an hour", n)
		}
		time.Sleep(time.Minute)
		if _, err := l.Get(t.Context()); !errors.Is(err, ErrExpired) {
			t.Errorf("%v, want %v", err, ErrExpired)
		}
	})
}

// A store gives what it has kept while that is fresh for what is asked. Nobody but the first
// ever waits for a renewal.
func TestClientsDoNotWaitForRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &fakeIssuer{lifetime: time.Hour, firstDelay: 300 * time.Millisecond}
		var kept aws.Credentials
		l := &CredentialCache{MinValidity: ECSMinValidity, Clock: fakeTime, Create: func(ctx context.Context, need time.Duration) (c aws.Credentials, err error) {
			if time.Until(kept.Expires) < min(need, i.lifetime/2) {
				kept, err = i.create(ctx, need)
			}
			return kept, err
		}}
		defer l.Close()
		for n := range 6 * 60 * 60 {
			begun := time.Now()
			h, err := l.Get(t.Context())
			if err != nil || time.Until(h.Credentials.Expires) < ECSMinValidity {
				t.Fatalf("%s are left, %v", time.Until(h.Credentials.Expires), err)
			}
			if waited := time.Since(begun); waited > 0 && n > 0 {
				t.Fatalf("waited for %s, after %d seconds", waited, n)
			}
			time.Sleep(time.Second)
		}
		if n := i.calls.Load(); n != 10 {
			t.Errorf("%d calls, want ten", n)
		}
	})
}

// Clients have to come back for what never ends.
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

// The first credentials are created as the caller says and with the caller's context, and are renewed by
// Make before anybody has asked a second time.
func TestCreateFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, first := &fakeIssuer{lifetime: time.Hour}, &fakeIssuer{lifetime: time.Hour}
		l := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer l.Close()
		type key struct{}
		caller := context.WithValue(t.Context(), key{}, "caller")
		err := l.CreateFirst(caller, func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
			if ctx.Value(key{}) != "caller" || need != ECSMinValidity+renewLead {
				t.Errorf("first asked with %v for %s", ctx, need)
			}
			return first.create(ctx, need)
		})
		if err != nil || first.calls.Load() != 1 || i.calls.Load() != 0 {
			t.Fatalf("began with %v, %d and %d calls, want 1 and 0", err, first.calls.Load(), i.calls.Load())
		}
		time.Sleep(50 * time.Minute)
		synctest.Wait()
		if first.calls.Load() != 1 || i.calls.Load() != 1 {
			t.Errorf("%d and %d calls later, want 1 and 1", first.calls.Load(), i.calls.Load())
		}
		failed := &CredentialCache{Create: i.create, MinValidity: ECSMinValidity, Clock: fakeTime}
		defer failed.Close()
		if err := failed.CreateFirst(caller, func(context.Context, time.Duration) (aws.Credentials, error) { return aws.Credentials{}, errAWS }); err != errAWS {
			t.Errorf("a beginning that fails returns %v", err)
		}
	})
}
