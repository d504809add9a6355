package vault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aws-vault/internal/testvault"
	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
)

// An unattendedFixture prompts for codes in the background. Each prompt waits until the test answers it.
type unattendedFixture struct {
	*testvault.World
	unattended *vault.Unattended
	questions  chan source.Question
	answers    chan error // answers to the prompts; nil sends the right code
	stop       context.CancelFunc
}

func newUnattendedFixture(t *testing.T, config string) *unattendedFixture {
	t.Helper()
	d := &unattendedFixture{World: testvault.New(t, config), questions: make(chan source.Question, 10), answers: make(chan error)}
	d.StoreKey(t, "m")
	d.Source.Ask = func(ctx context.Context, q source.Question) (string, error) {
		d.questions <- q
		select {
		case err := <-d.answers:
			return d.MFA.Code(), err
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	until, stop := context.WithCancel(t.Context())
	d.stop = stop
	d.unattended = &vault.Unattended{Vault: d.World.Vault, PromptContext: until, CanPrompt: func(plan.Step) error { return nil }}
	t.Cleanup(func() { stop(); d.unattended.Wait() })
	return d
}

// request requests credentials as a server does.
func (d *unattendedFixture) request(t *testing.T, need time.Duration, then ...string) error {
	t.Helper()
	o := plan.Options{Purpose: plan.Serve, SessionName: "aws-vault-alice", ExtraRoles: then}
	pl, err := d.Plan(t.Context(), "m", o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.unattended.Credentials(t.Context(), pl, o, need)
	if err == nil && !c.Expires.After(time.Now().Add(d.ClockOffset)) {
		t.Errorf("got credentials that expired at %v", c.Expires)
	}
	return err
}

// wantLoginRequired checks that err is a LoginRequiredError. The argument asking is the expected value of the
// error's field Prompting.
func wantLoginRequired(t *testing.T, err error, asking bool) {
	t.Helper()
	var e *vault.LoginRequiredError
	if !errors.As(err, &e) || e.Profile != "m" || e.Prompting != asking || !strings.Contains(e.Question, "mfa/alice") || (e.Err == nil) != asking {
		t.Fatalf("error %v, want a LoginRequiredError with Prompting %v", err, asking)
	}
}

const serveNeed = 20 * time.Minute

func TestUnattendedWithoutPrompt(t *testing.T) {
	d := newUnattendedFixture(t, "[profile m]\n")
	d.unattended.CanPrompt = nil
	for range 2 {
		if err := d.request(t, serveNeed); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Calls(); len(got) != 1 {
		t.Errorf("calls %q, want one", got)
	}
}

// If many programs request many roles, the user is prompted once. No program waits for the user's answer.
func TestUnattendedPromptsOnce(t *testing.T) {
	d := newUnattendedFixture(t, "[profile m]\n"+testvault.MFA)
	asking := func() (errs []error) {
		var all sync.WaitGroup
		out := make([]error, 20)
		for i := range out {
			all.Go(func() { out[i] = d.request(t, serveNeed, fmt.Sprintf("arn:aws:iam::123456789012:role/%d", i)) })
		}
		all.Wait()
		return out
	}
	for _, err := range asking() {
		wantLoginRequired(t, err, true)
	}
	<-d.questions
	wantLoginRequired(t, d.request(t, serveNeed), true)
	d.answers <- nil
	d.unattended.Wait()
	if err := d.request(t, serveNeed); err != nil {
		t.Fatal(err)
	}
	if err := d.request(t, serveNeed, d.Hub); err != nil {
		t.Fatal(err)
	}
	want := []string{"GetSessionToken duration=3600 mfa=alice by=user/alice", "AssumeRole hub duration=3600 by=session/alice"}
	if got := d.Calls(); !slices.Equal(got, want) || len(d.questions) > 0 {
		t.Errorf("calls %q and %d more prompts, want %q", got, len(d.questions), want)
	}
}

func TestUnattendedCannotPrompt(t *testing.T) {
	d := newUnattendedFixture(t, "[profile m]\n"+testvault.MFA)
	noTerminal := errors.New("the terminal belongs to another program")
	d.unattended.CanPrompt = func(s plan.Step) error {
		if s.Kind != plan.KindSessionToken {
			t.Errorf("CanPrompt was called for the %s", s.Kind)
		}
		return noTerminal
	}
	if err := d.request(t, serveNeed, d.Hub); !errors.Is(err, noTerminal) {
		t.Fatalf("error %v, want the reason why there is no prompt", err)
	} else {
		wantLoginRequired(t, err, false)
	}
	d.unattended.CanPrompt = nil
	wantLoginRequired(t, d.request(t, serveNeed), false)
	if got := d.Calls(); len(got)+len(d.questions) > 0 {
		t.Errorf("calls %q and %d prompts, want none", got, len(d.questions))
	}
}

// TestUnattendedPromptDeclined checks that there is no new prompt for some minutes after the user has declined a
// prompt, even if programs repeat their requests.
func TestUnattendedPromptDeclined(t *testing.T) {
	d := newUnattendedFixture(t, "[profile m]\n"+testvault.MFA)
	wantLoginRequired(t, d.request(t, serveNeed), true)
	<-d.questions
	d.answers <- prompt.ErrCancelled
	d.unattended.Wait()
	for range 3 {
		err := d.request(t, serveNeed)
		wantLoginRequired(t, err, false)
		if !errors.Is(err, prompt.ErrCancelled) {
			t.Fatalf("error %v, want the declined prompt", err)
		}
	}
	d.ClockOffset = 6 * time.Minute
	wantLoginRequired(t, d.request(t, serveNeed), true)
	<-d.questions
	d.answers <- prompt.ErrCancelled
}

// Credentials that are still valid are returned while the user is prompted for new ones.
func TestUnattendedShortSession(t *testing.T) {
	d := newUnattendedFixture(t, "[profile m]\n"+testvault.MFA)
	wantLoginRequired(t, d.request(t, serveNeed), true)
	<-d.questions
	d.answers <- nil
	d.unattended.Wait()
	d.AWS.SetClock(func() time.Time { return time.Now().Add(d.ClockOffset) })
	for _, at := range []struct {
		later time.Duration
		asked int
	}{{50 * time.Minute, 0}, {57 * time.Minute, 1}} {
		d.ClockOffset = at.later
		if err := d.request(t, serveNeed); err != nil {
			t.Fatal(err)
		}
		for range at.asked {
			<-d.questions
			d.answers <- nil
			d.unattended.Wait()
		}
	}
	if n := len(d.questions); n > 0 {
		t.Errorf("%d more prompts", n)
	}
	if err := d.request(t, serveNeed); err != nil {
		t.Fatal(err)
	}
	if got := d.Calls(); len(got) != 2 {
		t.Errorf("calls %q, want two", got)
	}
}

// When a server ends, its open prompts end too.
func TestUnattendedContextEnds(t *testing.T) {
	d := newUnattendedFixture(t, "[profile m]\n"+testvault.MFA)
	wantLoginRequired(t, d.request(t, serveNeed), true)
	<-d.questions
	d.stop()
	d.unattended.Wait()
	wantLoginRequired(t, d.request(t, serveNeed), false)
}
