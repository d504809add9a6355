package prompt

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A stubDriver returns the answers that a test sets, and records the requests.
type stubDriver struct {
	answers []string
	asked   []Request
	err     error
	device  bool
}

func (s *stubDriver) driver() Driver {
	return Driver{
		Name:   "stub",
		Device: s.device,
		Works:  func(Env) error { return nil },
		Ask: func(_ context.Context, _ Env, r Request) (string, error) {
			s.asked = append(s.asked, r)
			if s.err != nil {
				return "", s.err
			}
			a := s.answers[0]
			s.answers = s.answers[1:]
			return a, nil
		},
	}
}

func (s *stubDriver) prompter(t *testing.T) Prompter {
	p, err := chooseFrom([]Driver{s.driver()}, Env{}, "stub", Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *stubDriver) reasons() (all []string) {
	for _, r := range s.asked {
		all = append(all, r.RetryReason)
	}
	return all
}

func TestRules(t *testing.T) {
	empty, differ, digits := "the passphrase must not be empty", "the passphrases do not match", "enter the six digits of the code"
	for name, c := range map[string]struct {
		request Request
		answers []string
		device  bool
		want    string
		err     string
		reasons []string
	}{
		"code":               {Request{Kind: Code}, []string{"123456"}, false, "123456", "", []string{""}},
		"code in two groups": {Request{Kind: Code}, []string{" 123\u00a0456\t"}, false, "123456", "", []string{""}},
		"code at the third try": {Request{Kind: Code, RetryReason: "AWS refused that code"}, []string{"12345", "١٢٣٤٥٦", "123456"}, false,
			"123456", "", []string{"AWS refused that code", digits, digits}},
		"no code": {Request{Kind: Code}, []string{"", "1234567", "12345a"}, false, "",
			"stub: none of the 3 answers is a code, expected six digits", []string{"", digits, digits}},
		"no code from a device": {Request{Kind: Code}, []string{"12345678"}, true, "",
			"stub: the answer is not a code, expected six digits", []string{""}},
		"line as it is":       {Request{Kind: Line}, []string{" a b "}, false, " a b ", "", []string{""}},
		"passphrase as it is": {Request{Kind: Passphrase}, []string{""}, false, "", "", []string{""}},
		"new passphrase":      {Request{Kind: Passphrase, New: true}, []string{"a b", "a b"}, false, "a b", "", []string{"", ""}},
		"new, mistyped": {Request{Kind: Passphrase, New: true}, []string{"a", "b", "c", "c"}, false, "c", "",
			[]string{"", "", differ, ""}},
		"new, empty": {Request{Kind: Passphrase, New: true}, []string{"", "", ""}, false, "",
			"stub: no new passphrase after 3 tries: " + empty, []string{"", empty, empty}},
		"new, never equal": {Request{Kind: Passphrase, New: true}, []string{"a", "b", "a", "b", "a", "b"}, false, "",
			"stub: no new passphrase after 3 tries: " + differ, []string{"", "", differ, "", differ, ""}},
		"too long": {Request{Kind: Secret}, []string{strings.Repeat("x", maxAnswer+1)}, false, "",
			"stub: the answer is longer than 4096 bytes", []string{""}},
		"long enough": {Request{Kind: Secret}, []string{strings.Repeat("x", maxAnswer)}, false, strings.Repeat("x", maxAnswer), "", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stubDriver{answers: c.answers, device: c.device}
			got, err := s.prompter(t).Ask(t.Context(), c.request)
			if got != c.want || err == nil != (c.err == "") || err != nil && err.Error() != c.err {
				t.Errorf("the answer is %q, %v, want %q, %s", got, err, c.want, c.err)
			}
			if !slices.Equal(s.reasons(), c.reasons) {
				t.Errorf("the reasons given are %q, want %q", s.reasons(), c.reasons)
			}
		})
	}
}

// TestErrorsOmitAnswers checks that the error does not contain the answer if the user types a secret instead of a code.
func TestErrorsOmitAnswers(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG/EXAMPLEKEY"
	s := &stubDriver{answers: []string{secret, secret, secret}}
	_, err := s.prompter(t).Ask(t.Context(), Request{Kind: Code})
	var format *CodeFormatError
	if !errors.As(err, &format) || strings.Contains(err.Error(), secret) {
		t.Errorf("the error is %v, want a CodeFormatError without what was typed", err)
	}
}

func TestSecondQuestionIsMarked(t *testing.T) {
	s := &stubDriver{answers: []string{"a", "a"}}
	if _, err := s.prompter(t).Ask(t.Context(), Request{Kind: Passphrase, New: true, Text: "passphrase"}); err != nil {
		t.Fatal(err)
	}
	if got := s.asked[1].Text; got != "passphrase (again)" {
		t.Errorf("the second question is %q", got)
	}
}

func TestDriverErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, kind := range []Kind{Code, Line} {
		s := &stubDriver{err: broken}
		if _, err := s.prompter(t).Ask(t.Context(), Request{Kind: kind}); !errors.Is(err, broken) || err.Error() != "stub: broken" {
			t.Errorf("the error is %v, want the driver's with its name", err)
		}
		s.err = ErrCancelled
		if _, err := s.prompter(t).Ask(t.Context(), Request{Kind: kind, New: true}); err != ErrCancelled {
			t.Errorf("the error is %v, want %v", err, ErrCancelled)
		}
	}
	s := &stubDriver{err: broken}
	if _, err := s.prompter(t).Ask(t.Context(), Request{Kind: Passphrase, New: true}); !errors.Is(err, broken) {
		t.Errorf("the error is %v, want %v", err, broken)
	}
}

func TestContextDone(t *testing.T) {
	waits := Driver{Name: "waits", Works: func(Env) error { return nil },
		Ask: func(ctx context.Context, _ Env, _ Request) (string, error) {
			<-ctx.Done()
			return "", errors.New("killed")
		}}
	p := newPrompter(Env{}, waits, nil)

	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	_, err := p.Ask(ctx, Request{Kind: Line})
	if !errors.Is(err, ErrCancelled) || !errors.Is(err, context.Canceled) || err.Error() != "cancelled" {
		t.Errorf("the error after cancelling is %v, want %v", err, ErrCancelled)
	}
	if _, err := p.Ask(ctx, Request{Kind: Line}); !errors.Is(err, ErrCancelled) {
		t.Errorf("the error of a question after cancelling is %v, want %v", err, ErrCancelled)
	}
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(time.Millisecond))
	defer stop()
	_, err = p.Ask(late, Request{Kind: Line})
	if errors.Is(err, ErrCancelled) || !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "the prompt was not answered in time") {
		t.Errorf("the error after the deadline is %v, want %v and not %v", err, context.DeadlineExceeded, ErrCancelled)
	}
}

// TestOneQuestionAtATime checks that questions of many goroutines are asked one after the other.
func TestOneQuestionAtATime(t *testing.T) {
	var open, overlaps atomic.Int32
	driver := Driver{Name: "counts", Works: func(Env) error { return nil },
		Ask: func(context.Context, Env, Request) (string, error) {
			if open.Add(1) > 1 {
				overlaps.Add(1)
			}
			runtime.Gosched()
			open.Add(-1)
			return "", nil
		}}
	p := newPrompter(Env{}, driver, nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 50 {
				if _, err := p.Ask(t.Context(), Request{Kind: Line}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := overlaps.Load(); n > 0 {
		t.Errorf("%d questions were asked while another was open", n)
	}
}

// TestCancelWhileWaitingForLock cancels a question that waits until another question is answered.
func TestCancelWhileWaitingForLock(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	slow := Driver{Name: "slow", Works: func(Env) error { return nil },
		Ask: func(context.Context, Env, Request) (string, error) { entered <- true; <-leave; return "", nil }}
	p := newPrompter(Env{}, slow, nil)
	first := make(chan error)
	go func() { _, err := p.Ask(t.Context(), Request{Kind: Line}); first <- err }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error)
	go func() { _, err := p.Ask(ctx, Request{Kind: Line}); second <- err }()
	cancel()
	if err := <-second; !errors.Is(err, ErrCancelled) {
		t.Errorf("the error of the waiting question is %v, want %v", err, ErrCancelled)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
