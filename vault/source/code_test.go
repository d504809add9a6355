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

// sentCodes returns the codes that AWS received, in order.
func (r *fixture) sentCodes() []string {
	var codes []string
	for _, c := range r.aws.Calls() {
		codes = append(codes, c.Params.Get("TokenCode"))
	}
	return codes
}

// wantOnce checks that exactly n codes were sent to AWS, and that no code was sent twice.
func (r *fixture) wantOnce(n int) {
	r.Helper()
	codes := r.sentCodes()
	if sorted := slices.Sorted(slices.Values(codes)); len(slices.Compact(sorted)) != n || len(codes) != n {
		r.Errorf("sent the codes %q, want %d different ones", codes, n)
	}
}

// retryReasons returns, for each prompt, the reason why it asks for another code. The first prompt has no reason.
func (r *fixture) retryReasons() []string {
	var again []string
	for _, q := range r.asked {
		again = append(again, q.RetryReason)
	}
	return again
}

func TestCodeIsSent(t *testing.T) {
	for _, kind := range []plan.Kind{plan.KindSessionToken, plan.KindAssumeRole} {
		r := newFixture(t)
		s := r.userSession()
		if kind == plan.KindAssumeRole {
			s.Kind, s.Spec = kind, plan.AssumeRole{ARN: r.world.Hub, SessionName: "alice"}
		}
		r.create(s)
		call := r.wantCalls(1)[0]
		if call.Params.Get("SerialNumber") != r.world.MFA.Serial() || call.Params.Get("TokenCode") != r.secrets[1] {
			t.Errorf("%s: sent %v", kind, call.Params)
		}
		if want := (Question{Profile: "p", Serial: r.world.MFA.Serial()}); r.asked[0] != want {
			t.Errorf("%s: prompt %+v, want %+v", kind, r.asked[0], want)
		}
	}
}

func TestRefusedCodePromptsAgain(t *testing.T) {
	r := newFixture(t)
	right := r.Ask
	r.Ask = func(ctx context.Context, q Question) (string, error) {
		if len(r.asked) == 0 {
			r.asked = append(r.asked, q)
			return r.addSecret("000000"), nil
		}
		return right(ctx, q)
	}
	r.create(r.userSession())
	r.wantOnce(2)
	if want := []string{"", "AWS refused that code"}; !slices.Equal(r.retryReasons(), want) {
		t.Errorf("retry reasons %q, want %q", r.retryReasons(), want)
	}
}

func TestThreeRefusedCodes(t *testing.T) {
	for _, most := range []int{0, 1, 5} {
		r := newFixture(t)
		r.MaxCodes = most
		wrong := []string{"000000", "000001", "000002", "000003", "000004", "000005"}
		r.Ask = func(_ context.Context, q Question) (string, error) {
			r.asked = append(r.asked, q)
			return r.addSecret(wrong[len(r.asked)-1]), nil
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

// AWS refuses every code of a device that does not belong to the user, so there is no second prompt.
func TestWrongDeviceDoesNotPromptAgain(t *testing.T) {
	r := newFixture(t)
	s := r.userSession()
	s.MFA.Serial = "arn:aws:iam::123456789012:mfa/bob"
	r.wantText(failAs[*awsapi.APIError](r, s), "MultiFactorAuthentication failed, unable to validate")
	if len(r.asked) != 1 {
		t.Errorf("%d prompts, want 1", len(r.asked))
	}
}

func TestLostResponsePromptsForNewCode(t *testing.T) {
	lost := "AWS's response was lost, and AWS accepts each code only once"
	for name, f := range map[string]struct {
		fault fakeaws.Fault
		again string
	}{
		"response lost":   {fakeaws.Fault{AnswerLost: true}, lost},
		"hung up":         {fakeaws.Fault{Hangup: true}, lost},
		"half a response": {fakeaws.Fault{TruncateXML: true}, lost},
		"500":             {fakeaws.Fault{Status: 500}, "AWS failed (InternalFailure), and it accepts each code only once"},
		"throttled":       {fakeaws.Fault{Throttle: true}, "AWS failed (Throttling), and it accepts each code only once"},
		"throttled 429":   {fakeaws.Fault{Status: 429, Code: "Slow"}, "AWS failed (Slow), and it accepts each code only once"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.aws.Fail(f.fault)
			r.create(r.userSession())
			r.wantOnce(2)
			if want := []string{"", f.again}; !slices.Equal(r.retryReasons(), want) {
				t.Errorf("retry reasons %q, want %q", r.retryReasons(), want)
			}
		})
		t.Run(name+" every time", func(t *testing.T) {
			r := newFixture(t)
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

func TestOtherRefusalsDoNotPromptAgain(t *testing.T) {
	for name, f := range map[string]fakeaws.Fault{
		"denied": {Code: "AccessDenied", Status: 403}, "captive portal": {HTML: true},
	} {
		r := newFixture(t)
		r.aws.Fail(f)
		r.fail(r.userSession())
		if len(r.asked) != 1 {
			t.Errorf("%s: %d prompts, want 1", name, len(r.asked))
		}
		r.wantOnce(1)
	}
}

// A code that AWS refused two attempts ago is not sent again.
func TestEarlierCodeIsNotSentAgain(t *testing.T) {
	r := newFixture(t)
	typed := []string{"000000", "000001", "000000", "000001", "000002"}
	r.Ask = func(_ context.Context, q Question) (string, error) {
		r.asked = append(r.asked, q)
		return typed[len(r.asked)-1], nil
	}
	failAs[*CodeRefusedError](r, r.userSession())
	if want := []string{"000000", "000001", "000002"}; !slices.Equal(r.sentCodes(), want) {
		t.Errorf("sent %q, want %q", r.sentCodes(), want)
	}
	if got := r.asked[3].RetryReason; got != "that code was already used, and AWS accepts each code only once" {
		t.Errorf("retry reason %q", got)
	}
}

func TestCodeThatAnotherProcessSentIsNotSent(t *testing.T) {
	r := newFixture(t)
	code := r.nextCode()
	r.noteSent(code)
	r.Ask = func(_ context.Context, q Question) (string, error) {
		r.asked = append(r.asked, q)
		return " " + code + "\n", nil
	}
	e := failAs[*UsedCodeError](r, r.userSession())
	if e.Serial != r.world.MFA.Serial() || len(r.asked) != 3 {
		t.Errorf("got %+v after %d prompts", e, len(r.asked))
	}
	r.wantText(e, "the prompt", "already used")
	r.wantCalls(0)
}

// noteSent records a code as sent, as another process would.
func (r *fixture) noteSent(code string) {
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

func TestDeviceIsLockedDuringPrompt(t *testing.T) {
	r := newFixture(t)
	right := r.Ask
	r.Ask = func(ctx context.Context, q Question) (string, error) {
		over, cancel := context.WithCancel(ctx)
		cancel()
		if _, device, err := r.Codes.LockDevice(over, q.Serial, "another process"); err == nil {
			device.Close()
			t.Error("another process could lock the device")
		}
		return right(ctx, q)
	}
	r.create(r.userSession())
	r.noteSent("000000") // noteSent fails if the lock on the device was not released
}

func TestNoPromptBeforeImpossibleCall(t *testing.T) {
	for name, spoil := range map[string]func(*plan.Endpoint){
		"endpoint": func(e *plan.Endpoint) { e.URL = "ftp://example.com" },
		"bundle":   func(e *plan.Endpoint) { e.CABundle = "/nonexistent/roots.pem" },
	} {
		r := newFixture(t)
		s := r.userSession()
		spoil(&s.Endpoint)
		if r.fail(s); len(r.asked) != 0 {
			t.Errorf("%s: the user was prompted for a code", name)
		}
	}
}

func TestInvalidCodeFormat(t *testing.T) {
	for _, answer := range []string{"12345", "1234567", "", "12345a", "１２３４５６", "secret passphrase\n", "-12345"} {
		r := newFixture(t)
		r.Ask = func(context.Context, Question) (string, error) { return answer, nil }
		if strings.TrimSpace(answer) != "" {
			r.addSecret(strings.TrimSpace(answer))
		}
		e := failAs[*CodeFormatError](r, r.userSession())
		if want := len([]rune(strings.TrimSpace(answer))); e.Length != want {
			t.Errorf("%q has %d characters, want %d", answer, e.Length, want)
		}
		r.wantCalls(0)
	}
}

func TestPromptFails(t *testing.T) {
	r := newFixture(t)
	cancelled := errors.New("cancelled")
	r.Ask = func(context.Context, Question) (string, error) { return "", cancelled }
	if err := r.fail(r.userSession()); !errors.Is(err, cancelled) {
		t.Errorf("got %v", err)
	}
}

func TestCodeStoreFails(t *testing.T) {
	r := newFixture(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Codes.Dir = disk.NewFolder(filepath.Join(file, "codes"))
	r.fail(r.userSession())
	r.wantCalls(0)
	r.Codes.Locks.Dir = disk.NewFolder(filepath.Join(file, "locks"))
	if r.fail(r.userSession()); len(r.asked) != 1 {
		t.Errorf("%d prompts, want only the first", len(r.asked))
	}
}

// process makes the step read its code from a program. The program prints what the function print returns.
func (r *fixture) process(s *plan.Step, print func() (string, error)) {
	s.MFA.Process = "show-code"
	r.Ask = func(context.Context, Question) (string, error) {
		r.Error("the user was prompted")
		return "", errors.New("no prompt expected")
	}
	r.Deps.Run = func(_ context.Context, c Command) ([]byte, error) {
		if want := (Command{Line: "show-code", Profile: "p", Max: 4096}); c != want {
			r.Errorf("ran %+v, want %+v", c, want)
		}
		out, err := print()
		return []byte(out), err
	}
}

func TestMFAProcess(t *testing.T) {
	r := newFixture(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return r.nextCode() + "\r\n", nil })
	r.create(s)
	r.wantOnce(1)
	r.wantNotes()
}

// A program prints the same code for 30 s. If that code was already sent, the step waits for the next code.
func TestMFAProcessNextCode(t *testing.T) {
	r := newFixture(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return r.addSecret(r.world.MFA.Code()), nil })
	r.noteSent(r.world.MFA.Code())
	r.create(s)
	r.wantOnce(1)
	if want := []time.Duration{21 * time.Second}; !slices.Equal(r.slept, want) { // 20 s until the next code, and 1 s more
		t.Errorf("waited %v, want %v", r.slept, want)
	}
	r.wantNotes("waiting 20s for the next code of " + r.world.MFA.Serial() + ": the current code was already used")
}

func TestMFAProcessAfterLostResponse(t *testing.T) {
	r := newFixture(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return r.addSecret(r.world.MFA.Code()), nil })
	r.aws.Fail(fakeaws.Fault{AnswerLost: true})
	r.create(s)
	r.wantOnce(2)
	r.wantNotes("running mfa_process of profile p again: AWS's response was lost, and AWS accepts each code only once",
		"waiting 20s for the next code of "+r.world.MFA.Serial()+": the current code was already used")
}

func TestMFAProcessRepeatsCode(t *testing.T) {
	r := newFixture(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return r.addSecret("654321"), nil })
	r.noteSent("654321")
	r.wantText(failAs[*UsedCodeError](r, s), "mfa_process of profile p")
	r.wantCalls(0)
	if len(r.slept) != 2 {
		t.Errorf("waited %d times, want 2", len(r.slept))
	}
}

func TestMFAProcessFails(t *testing.T) {
	broken := errors.New("exit status 1")
	r := newFixture(t)
	s := r.userSession()
	r.process(&s, func() (string, error) { return "", broken })
	if err := r.fail(s); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	} else {
		r.wantText(err, "mfa_process of profile p: ")
	}
	r.process(&s, func() (string, error) { return r.addSecret("hunter2-not-a-code"), nil })
	r.wantText(failAs[*CodeFormatError](r, s), "mfa_process of profile p returned 18 characters")
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

func TestTimeoutDoesNotPromptAgain(t *testing.T) {
	r := newFixture(t)
	r.AWS.Timeout = 50 * time.Millisecond
	r.aws.Fail(fakeaws.Fault{Hang: true, Times: -1})
	e := failAs[*awsapi.TimeoutError](r, r.userSession())
	if e.Endpoint != r.aws.URL() || e.After != r.AWS.Timeout || len(r.asked) != 1 {
		t.Errorf("got %+v after %d prompts", e, len(r.asked))
	}
}

// A security key returns the same code until the current period of 30 s ends. The step waits for the next code and
// does not prompt.
func TestSecurityKeyRepeatsCode(t *testing.T) {
	r := newFixture(t)
	s := r.userSession()
	s.MFA.Device = "yubikey"
	var asked []Question
	r.Deps.RepeatsCode = func(q Question) bool { return q.Device == "yubikey" }
	r.Deps.Ask = func(_ context.Context, q Question) (string, error) {
		asked = append(asked, q)
		return r.addSecret(r.world.MFA.Code()), nil
	}
	r.create(s)
	r.create(s)
	if len(asked) != 3 || len(r.slept) != 1 {
		t.Errorf("%d prompts, slept %v", len(asked), r.slept)
	}
	r.wantNotes("waiting 20s for the next code of " + r.world.MFA.Serial() + ": the current code was already used")
}

// AWS checks the signature before the MFA code. If AWS refuses a request because of a wrong clock, the code can be sent
// again.
func TestCodeWithWrongClock(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: -1})
	r.Ask = func(_ context.Context, q Question) (string, error) {
		r.asked = append(r.asked, q)
		return fakeaws.TOTP(r.world.MFA.Secret(), r.aws.Now().Add(20*time.Minute))
	}
	r.create(r.userSession())
	if len(r.asked) != 1 {
		t.Errorf("%d prompts, want 1", len(r.asked))
	}
	r.wantCalls(2)
}
