package fakeaws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestFaultsRefuse(t *testing.T) {
	for _, test := range []struct {
		name        string
		fault       Fault
		code, words string
	}{
		{"code", Fault{Code: "RegionDisabledException", Status: 403, Message: "not here"}, "RegionDisabledException", "not here"},
		{"status alone", Fault{Status: 500}, "InternalFailure", "unknown error"},
		{"code alone", Fault{Code: "IDPCommunicationError"}, "IDPCommunicationError", ""},
		{"throttle", Fault{Throttle: true}, "Throttling", "Rate exceeded"},
		{"skew", Fault{Skew: 20 * time.Minute}, "SignatureDoesNotMatch", "Signature expired"},
		{"skew back", Fault{Skew: -20 * time.Minute}, "SignatureDoesNotMatch", "Signature not yet current"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAWS(t)
			w := a.Example()
			a.Fail(test.fault)
			_, err := whoami(t, a, static(w.Key))
			wantCode(t, err, test.code, test.words)
			_, err = whoami(t, a, static(w.Key))
			wantCode(t, err, "", "")
			if calls := a.Calls(); calls[0].Code != test.code || calls[1].Code != "" {
				t.Errorf("calls are %v", a.Actions())
			}
		})
	}
}

// If a fault sets Skew, the Date header shows the time of the wrong clock. Clients can then measure the
// difference.
func TestClockSkewIsVisible(t *testing.T) {
	a := newAWS(t)
	a.SetClock(func() time.Time { return noon })
	a.Fail(Fault{Skew: time.Hour})
	response, err := http.Get(a.URL() + "/?Action=GetCallerIdentity&Version=2011-06-15")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("Date"); got != "Wed, 02 Jan 2030 13:00:00 GMT" {
		t.Errorf("Date is %q", got)
	}
	if response.Header.Get("X-Amzn-Requestid") == "" {
		t.Error("no request id")
	}
}

func TestFaultsChoose(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	a.Fail(Fault{Action: "AssumeRole", Skip: 1, Times: 2, Code: "First"})
	a.Fail(Fault{Action: "AssumeRole", Times: -1, Code: "Then"})
	_, err := whoami(t, a, static(w.Key))
	wantCode(t, err, "", "")
	for _, code := range []string{"Then", "First", "First", "Then", "Then"} {
		_, err := assume(t, a, static(w.Key), w.ReadOnly)
		wantCode(t, err, code, "")
	}
	a.Heal()
	_, err = assume(t, a, static(w.Key), w.ReadOnly)
	wantCode(t, err, "", "")
}

// If the response to a call is lost, the call was still processed, so its MFA code cannot be used again.
func TestAnswerLost(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	in := &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial()), TokenCode: aws.String(w.MFA.Code())}
	a.Fail(Fault{AnswerLost: true})
	if _, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), in); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF", err)
	}
	_, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), in)
	wantCode(t, err, "AccessDenied", "invalid MFA one time pass code")
	wantActions(t, a, "GetSessionToken mfa=alice by=user/alice lost", "GetSessionToken mfa=alice by=user/alice refused=AccessDenied")
}

// If the connection is closed immediately, the call was not processed, so its MFA code can still be used.
func TestHangup(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	in := &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial()), TokenCode: aws.String(w.MFA.Code())}
	a.Fail(Fault{Hangup: true})
	if _, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), in); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF", err)
	}
	_, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), in)
	wantCode(t, err, "", "")
}

func TestHangEndsWithTheClient(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	a.Fail(Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := stsWith(a, static(w.Key)).GetCallerIdentity(ctx, nil)
		ended <- err
	}()
	if err := a.Await(t.Context(), "GetCallerIdentity", 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestHangEndsWithTheFake(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	a.Fail(Fault{Hang: true})
	ended := make(chan error, 1)
	go func() {
		_, err := whoami(t, a, static(w.Key))
		ended <- err
	}()
	if err := a.Await(t.Context(), "", 1); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if err := <-ended; err == nil {
		t.Error("a call was answered that hung")
	}
}

func TestDelayAndUntil(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	gate := make(chan struct{})
	a.Fail(Fault{Delay: time.Millisecond, Until: gate})
	ended := make(chan error, 1)
	go func() {
		_, err := whoami(t, a, static(w.Key))
		ended <- err
	}()
	if err := a.Await(t.Context(), "GetCallerIdentity", 1); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Fatalf("answered before the gate opened: %v", err)
	default:
	}
	if status := a.Calls()[0].Status; status != 0 {
		t.Errorf("status %d before the answer, want 0", status)
	}
	close(gate)
	wantCode(t, <-ended, "", "")
}

func TestAwaitGivesUp(t *testing.T) {
	a := newAWS(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Await(ctx, "AssumeRole", 1); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "0 calls") {
		t.Errorf("got %v", err)
	}
}

func TestAnswersThatAreNotAWS(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	for name, fault := range map[string]Fault{"portal": {HTML: true}, "half": {TruncateXML: true}} {
		t.Run(name, func(t *testing.T) {
			a.Reset()
			a.Fail(fault)
			if who, err := whoami(t, a, static(w.Key)); err == nil {
				t.Errorf("the SDK made %q of it", who)
			}
			if actions := a.Actions(); len(actions) != 1 || !strings.HasSuffix(actions[0], " lost") {
				t.Errorf("calls are %q", actions)
			}
		})
	}
}

// If many calls use the same MFA code, exactly one call succeeds.
func TestOneCodeManyCalls(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	in := &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial()), TokenCode: aws.String(w.MFA.Code())}
	var good atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), in); err == nil {
				good.Add(1)
			}
		})
	}
	all.Wait()
	if n := good.Load(); n != 1 {
		t.Errorf("%d of 20 calls passed with one code, want 1", n)
	}
	if n := len(a.Calls()); n != 20 {
		t.Errorf("%d calls recorded, want 20", n)
	}
}

// If a response is late, the call was still processed, even if the client has stopped waiting.
func TestLateResponse(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	in := &sts.GetSessionTokenInput{SerialNumber: aws.String(w.MFA.Serial()), TokenCode: aws.String(w.MFA.Code())}
	gate := make(chan struct{})
	a.Fail(Fault{Late: gate, Times: 2})
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := stsWith(a, static(w.Key)).GetSessionToken(ctx, in)
		ended <- err
	}()
	for a.Actions() == nil || !strings.HasSuffix(a.Actions()[0], "by=user/alice") {
		time.Sleep(time.Millisecond)
	}
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(gate)
	_, err := stsWith(a, static(w.Key)).GetSessionToken(t.Context(), in)
	wantCode(t, err, "AccessDenied", "invalid MFA one time pass code")
}

// A fault affects an issuer's calls and files only if its Action names them.
func TestIssuerFaults(t *testing.T) {
	a := newAWS(t)
	i, err := a.AddIssuer("123456789012", "corp", "aws-vault")
	if err != nil {
		t.Fatal(err)
	}
	for path, action := range map[string]string{"/keys": "OpenIDKeys", "/.well-known/openid-configuration": "OpenIDConfiguration", "/token": "OpenIDToken"} {
		status := func() int {
			response, err := http.Get(i.URL() + path)
			if err != nil {
				return 0
			}
			response.Body.Close()
			return response.StatusCode
		}
		good := status()
		a.Fail(Fault{Times: -1, Status: 500})
		if got := status(); got != good {
			t.Errorf("%s: a fault of any call makes it %d", path, got)
		}
		a.Heal()
		for _, f := range []struct {
			Fault
			want int
		}{{Fault{Status: 503}, 503}, {Fault{Hangup: true}, 0}, {Fault{AnswerLost: true}, 0}} {
			f.Action = action
			a.Fail(f.Fault)
			if got := status(); got != f.want {
				t.Errorf("%s: %d with %+v, want %d", path, got, f.Fault, f.want)
			}
			if got := status(); got != good {
				t.Errorf("%s: %d after the fault, want %d", path, got, good)
			}
		}
	}
}
