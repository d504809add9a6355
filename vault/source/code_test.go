package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/plan"
)

// codes are those that AWS was sent, in order.
func (r *room) codes() []string {
	var codes []string
	for _, c := range r.aws.Calls() {
		codes = append(codes, c.Params.Get("TokenCode"))
	}
	return codes
}

// wantOnce fails unless so many codes were sent, each once.
func (r *room) wantOnce(n int) {
	r.Helper()
	codes := r.codes()
	if sorted := slices.Sorted(slices.Values(codes)); len(slices.Compact(sorted)) != n || len(codes) != n {
		r.Errorf("sent the codes %q, want %d different ones", codes, n)
	}
}

// reasons are what a person was told each time they were asked.
func (r *room) reasons() []string {
	var again []string
	for _, q := range r.asked {
		again = append(again, q.Again)
	}
	return again
}

func TestCodeIsSent(t *testing.T) {
	for _, kind := range []plan.Kind{plan.KindSessionToken, plan.KindAssumeRole} {
		r := newRoom(t)
		s := r.userSession()
		if kind == plan.KindAssumeRole {
			s.Kind, s.Spec = kind, plan.AssumeRole{ARN: r.world.Hub, SessionName: "alice"}
		}
		r.make(s)
		call := r.wantCalls(1)[0]
		if call.Params.Get("SerialNumber") != r.world.MFA.Serial() || call.Params.Get("TokenCode") != r.secrets[1] {
			t.Errorf("%s: sent %v", kind, call.Params)
		}
		if want := (Question{Profile: "p", Serial: r.world.MFA.Serial()}); r.asked[0] != want {
			t.Errorf("%s: asked %+v, want %+v", kind, r.asked[0], want)
		}
	}
}

func TestRefusedCodeIsAskedForAgain(t *testing.T) {
	r := newRoom(t)
	right := r.Ask
	r.Ask = func(ctx context.Context, q Question) (string, error) {
		if len(r.asked) == 0 {
			r.asked = append(r.asked, q)
			return r.keep("000000"), nil
		}
		return right(ctx, q)
	}
	r.make(r.userSession())
	r.wantOnce(2)
	if want := []string{"", "AWS refused that code"}; !slices.Equal(r.reasons(), want) {
		t.Errorf("asked with %q, want %q", r.reasons(), want)
	}
}

func TestCodesAreRefusedThreeTimes(t *testing.T) {
	for _, most := range []int{0, 1, 5} {
		r := newRoom(t)
		r.MaxCodes = most
		wrong := []string{"000000", "000001", "000002", "000003", "000004", "000005"}
		r.Ask = func(_ context.Context, q Question) (string, error) {
			r.asked = append(r.asked, q)
			return r.keep(wrong[len(r.asked)-1]), nil
		}
		if most == 0 {
			most = 3
		}
		e := failAs[*CodeRefusedError](r, r.userSession())
		var last *awsapi.APIError
		if e.Tries != most || e.Serial != r.world.MFA.Serial() || !errors.As(e, &last) || last.Code != "AccessDenied" {
			t.Errorf("got %+v", e)
		}
		r.wantOnce(most)
	}
}

// A device that is not the user's refuses every code, so asking for more is in vain.
func TestWrongDeviceIsNotAskedAgain(t *testing.T) {
	r := newRoom(t)
	s := r.userSession()
	s.MFA.Serial = "arn:aws:iam::123456789012:mfa/bob"
	r.wantText(failAs[*awsapi.APIError](r, s), "MultiFactorAuthentication failed, unable to validate")
	if len(r.asked) != 1 {
		t.Errorf("asked %d times", len(r.asked))
	}
}

func TestLostAnswerAsksForAnotherCode(t *testing.T) {
	lost := "AWS's answer was lost, and it takes each code once"
	for name, f := range map[string]struct {
		fault fakeaws.Fault
		again string
	}{
		"answer lost":   {fakeaws.Fault{AnswerLost: true}, lost},
		"hung up":       {fakeaws.Fault{Hangup: true}, lost},
		"half of it":    {fakeaws.Fault{TruncateXML: true}, lost},
		"500":           {fakeaws.Fault{Status: 500}, "AWS could not answer (InternalFailure), and takes each code once"},
		"throttled":     {fakeaws.Fault{Throttle: true}, "AWS could not answer (Throttling), and takes each code once"},
		"throttled 429": {fakeaws.Fault{Status: 429, Code: "Slow"}, "AWS could not answer (Slow), and takes each code once"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			r.aws.Fail(f.fault)
			r.make(r.userSession())
			r.wantOnce(2)
			if want := []string{"", f.again}; !slices.Equal(r.reasons(), want) {
				t.Errorf("asked with %q, want %q", r.reasons(), want)
			}
		})
		t.Run(name+" for ever", func(t *testing.T) {
			r := newRoom(t)
			f.fault.Times = -1
			r.aws.Fail(f.fault)
			err := r.fail(r.userSession())
			r.wantOnce(3)
			var refused *CodeRefusedError
			if errors.As(err, &refused) {
				t.Errorf("got %v, but AWS refused no code", err)
			}
		})
	}
}

func TestOtherRefusalsAskForNoCode(t *testing.T) {
	for name, f := range map[string]fakeaws.Fault{
		"denied": {Code: "AccessDenied", Status: 403}, "captive portal": {HTML: true},
	} {
		r := newRoom(t)
		r.aws.Fail(f)
		r.fail(r.userSession())
		if len(r.asked) != 1 {
			t.Errorf("%s: asked %d times, want once", name, len(r.asked))
		}
		r.wantOnce(1)
	}
}

// What was typed by mistake a while ago was sent too.
func TestCodeOfTwoTriesAgoIsNotSent(t *testing.T) {
	r := newRoom(t)
	typed := []string{"000000", "000001", "000000", "000001", "000002"}
	r.Ask = func(_ context.Context, q Question) (string, error) {
		r.asked = append(r.asked, q)
		return typed[len(r.asked)-1], nil
	}
	failAs[*CodeRefusedError](r, r.userSession())
	if want := []string{"000000", "000001", "000002"}; !slices.Equal(r.codes(), want) {
		t.Errorf("sent %q, want %q", r.codes(), want)
	}
	if got := r.asked[3].Again; got != "that code was sent before, and AWS takes each code once" {
		t.Errorf("asked with %q", got)
	}
}

func TestCodeThatAnotherProcessSentIsNotSent(t *testing.T) {
	r := newRoom(t)
	code := r.nextCode()
	r.noteSent(code)
	r.Ask = func(_ context.Context, q Question) (string, error) {
		r.asked = append(r.asked, q)
		return " " + code + "\n", nil
	}
	e := failAs[*UsedCodeError](r, r.userSession())
	if e.Serial != r.world.MFA.Serial() || len(r.asked) != 3 {
		t.Errorf("got %+v after %d questions", e, len(r.asked))
	}
	r.wantText(e, "the answer", "sent before")
	r.wantCalls(0)
}

// noteSent does as another process that sends a code.
func (r *room) noteSent(code string) {
	r.Helper()
	_, device, err := r.Codes.LockDevice(r.Context(), r.world.MFA.Serial(), "another process")
	if err != nil {
		r.Fatal(err)
	}
	defer device.Close()
	if err := device.MarkSent(code); err != nil {
		r.Fatal(err)
	}
}

func TestDeviceIsHeldWhileItsCodeIsAskedFor(t *testing.T) {
	r := newRoom(t)
	right := r.Ask
	r.Ask = func(ctx context.Context, q Question) (string, error) {
		over, cancel := context.WithCancel(ctx)
		cancel()
		if _, device, err := r.Codes.LockDevice(over, q.Serial, "another process"); err == nil {
			device.Close()
			t.Error("another process could use the device")
		}
		return right(ctx, q)
	}
	r.make(r.userSession())
	r.noteSent("000000") // it was given back
}

func TestNoCodeIsAskedForACallThatCannotBeMade(t *testing.T) {
	for name, spoil := range map[string]func(*plan.Endpoint){
		"endpoint": func(e *plan.Endpoint) { e.URL = "ftp://example.com" },
		"bundle":   func(e *plan.Endpoint) { e.CABundle = "/nonexistent/roots.pem" },
	} {
		r := newRoom(t)
		s := r.userSession()
		spoil(&s.Endpoint)
		if r.fail(s); len(r.asked) != 0 {
			t.Errorf("%s: a code was asked for", name)
		}
	}
}

func TestAnswerThatIsNoCode(t *testing.T) {
	for _, answer := range []string{"12345", "1234567", "", "12345a", "１２３４５６", "secret passphrase\n", "-12345"} {
		r := newRoom(t)
		r.Ask = func(context.Context, Question) (string, error) { return answer, nil }
		if strings.TrimSpace(answer) != "" {
			r.keep(strings.TrimSpace(answer))
		}
		e := failAs[*CodeFormatError](r, r.userSession())
		if want := len([]rune(strings.TrimSpace(answer))); e.Length != want {
			t.Errorf("%q has %d characters, want %d", answer, e.Length, want)
		}
		r.wantCalls(0)
	}
}

func TestPersonWhoDoesNotAnswer(t *testing.T) {
	r := newRoom(t)
	gone := errors.New("cancelled")
	r.Ask = func(context.Context, Question) (string, error) { return "", gone }
	if err := r.fail(r.userSession()); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestCodeStoreThatFails(t *testing.T) {
	r := newRoom(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Codes.Dir = disk.NewFolder(filepath.Join(file, "codes"))
	r.fail(r.userSession())
	r.wantCalls(0)
	r.Codes.Locks.Dir = disk.NewFolder(filepath.Join(file, "locks"))
	if r.fail(r.userSession()); len(r.asked) != 1 {
		t.Errorf("asked %d times, want only the first time", len(r.asked))
	}
}

// process makes the step's code come from a program that prints what print says.
func (r *room) process(s *plan.Step, print func() (string, error)) {
	s.MFA.Process = "show-code"
	r.Ask = func(context.Context, Question) (string, error) {
		r.Error("a person was asked")
		return "", errors.New("nobody there")
	}
	r.Deps.Run = func(_ context.Context, c Command) ([]byte, error) {
		if want := (Command{Line: "show-code", Profile: "p", Max: 4096}); c != want {
			r.Errorf("ran %+v, want %+v", c, want)
		}
		out, err := print()
		return []byte(out), err
	}
}

func TestProgramGivesTheCode(t *testing.T) {
	r := newRoom(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return r.nextCode() + "\r\n", nil })
	r.make(s)
	r.wantOnce(1)
	r.wantTold()
}

// A program shows the same code until its half minute is over.
func TestProgramIsWaitedForUntilItsNextCode(t *testing.T) {
	r := newRoom(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return r.keep(r.world.MFA.Code()), nil })
	r.noteSent(r.world.MFA.Code())
	r.make(s)
	r.wantOnce(1)
	if want := []time.Duration{21 * time.Second}; !slices.Equal(r.slept, want) { // the room opens at 12:00:10
		t.Errorf("waited %v, want %v", r.slept, want)
	}
	r.wantTold("waiting 20s for the next code of " + r.world.MFA.Serial() + ": the last one was sent before")
}

func TestProgramIsRunAgainAfterALostAnswer(t *testing.T) {
	r := newRoom(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return r.keep(r.world.MFA.Code()), nil })
	r.aws.Fail(fakeaws.Fault{AnswerLost: true})
	r.make(s)
	r.wantOnce(2)
	r.wantTold("running mfa_process of profile p once more: AWS's answer was lost, and it takes each code once",
		"waiting 20s for the next code of "+r.world.MFA.Serial()+": the last one was sent before")
}

func TestProgramThatGivesOneCodeForEver(t *testing.T) {
	r := newRoom(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return r.keep("654321"), nil })
	r.noteSent("654321")
	r.wantText(failAs[*UsedCodeError](r, s), "mfa_process of profile p")
	r.wantCalls(0)
	if len(r.slept) != 2 {
		t.Errorf("waited %d times, want 2", len(r.slept))
	}
}

func TestProgramThatFails(t *testing.T) {
	broken := errors.New("exit status 1")
	r := newRoom(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return "", broken })
	if err := r.fail(s); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	} else {
		r.wantText(err, "mfa_process of profile p: ")
	}
	r.process(&s, func() (string, error) { return r.keep("hunter2-not-a-code"), nil })
	r.wantText(failAs[*CodeFormatError](r, s), "mfa_process of profile p gave 18 characters")
	r.Callers = []string{"q", "p"}
	if e := failAs[*RecursionError](r, s); !slices.Equal(e.Profiles, []string{"q", "p", "p"}) || e.Setting != "mfa_process" {
		t.Errorf("got %+v", e)
	}
	r.Callers = nil
	r.process(&s, func() (string, error) { return "654321", nil })
	r.noteSent("654321")
	r.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
	if err := r.fail(s); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.wantCalls(0)
}

func TestCallThatTimesOutAsksForNoCode(t *testing.T) {
	r := newRoom(t)
	r.AWS.Timeout = 50 * time.Millisecond
	r.aws.Fail(fakeaws.Fault{Hang: true, Times: -1})
	e := failAs[*awsapi.TimeoutError](r, r.userSession())
	if e.Endpoint != r.aws.URL() || e.After != r.AWS.Timeout || len(r.asked) != 1 {
		t.Errorf("got %+v after %d questions", e, len(r.asked))
	}
}

// A key tells the same code until the next: it is waited for, and nobody is asked in between.
func TestKeyThatRepeats(t *testing.T) {
	r := newRoom(t)
	s := r.userSession()
	s.MFA.Device = "yubikey"
	var asked []Question
	r.Deps.Reads = func(q Question) bool { return q.Device == "yubikey" }
	r.Deps.Ask = func(_ context.Context, q Question) (string, error) {
		asked = append(asked, q)
		return r.keep(r.world.MFA.Code()), nil
	}
	r.make(s)
	r.make(s)
	if len(asked) != 3 || len(r.slept) != 1 {
		t.Errorf("asked %d times, slept %v", len(asked), r.slept)
	}
	r.wantTold("waiting 20s for the next code of " + r.world.MFA.Serial() + ": the last one was sent before")
}

// AWS looks at a code only once it has found the signature right.
func TestCodeSurvivesAWrongClock(t *testing.T) {
	r := newRoom(t)
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: -1})
	r.Ask = func(_ context.Context, q Question) (string, error) {
		r.asked = append(r.asked, q)
		return fakeaws.TOTP(r.world.MFA.Secret(), r.aws.Now().Add(20*time.Minute))
	}
	r.make(r.userSession())
	if len(r.asked) != 1 {
		t.Errorf("asked %d times, want once", len(r.asked))
	}
	r.wantCalls(2)
}
