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

// A desk is a person who is asked for codes in the background: each question waits until
// the test answers it.
type desk struct {
	*testvault.World
	served  *vault.Unattended
	comes   chan source.Question
	answers chan error // nil for the right code
	stop    context.CancelFunc
}

func newDesk(t *testing.T, config string) *desk {
	t.Helper()
	d := &desk{World: testvault.New(t, config), comes: make(chan source.Question, 10), answers: make(chan error)}
	d.StoreKey(t, "m")
	d.Source.Ask = func(ctx context.Context, q source.Question) (string, error) {
		d.comes <- q
		select {
		case err := <-d.answers:
			return d.MFA.Code(), err
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	until, stop := context.WithCancel(t.Context())
	d.stop = stop
	d.served = &vault.Unattended{Vault: d.World.Vault, Until: until, Reach: func(plan.Step) error { return nil }}
	t.Cleanup(func() { stop(); d.served.Wait() })
	return d
}

// request asks as a server does.
func (d *desk) request(t *testing.T, need time.Duration, then ...string) error {
	t.Helper()
	o := plan.Options{For: plan.Serve, Name: "aws-vault-alice", Then: then}
	pl, err := d.Plan(t.Context(), "m", o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.served.Credentials(t.Context(), pl, o, need)
	if err == nil && !c.Expires.After(time.Now().Add(d.ClockOffset)) {
		t.Errorf("credentials that expired at %v were handed out", c.Expires)
	}
	return err
}

// waits fails the test unless err says that a person has to answer.
func waits(t *testing.T, err error, asking bool) {
	t.Helper()
	var e *vault.LoginRequiredError
	if !errors.As(err, &e) || e.Profile != "m" || e.Asking != asking || !strings.Contains(e.Question, "mfa/alice") || (e.Err == nil) != asking {
		t.Fatalf("error %v, want that a person has to answer, asking: %v", err, asking)
	}
}

const serveNeed = 20 * time.Minute

func TestUnattendedNeedsNobody(t *testing.T) {
	d := newDesk(t, "[profile m]\n")
	d.served.Reach = nil
	for range 2 {
		if err := d.request(t, serveNeed); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Calls(); len(got) != 1 {
		t.Errorf("calls %q, want one", got)
	}
}

// However many programs ask for however many roles, a person is asked once, and nobody
// waits for the answer.
func TestUnattendedAsksOnce(t *testing.T) {
	d := newDesk(t, "[profile m]\n"+testvault.MFA)
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
		waits(t, err, true)
	}
	<-d.comes
	waits(t, d.request(t, serveNeed), true)
	d.answers <- nil
	d.served.Wait()
	if err := d.request(t, serveNeed); err != nil {
		t.Fatal(err)
	}
	if err := d.request(t, serveNeed, d.Hub); err != nil {
		t.Fatal(err)
	}
	want := []string{"GetSessionToken duration=3600 mfa=alice by=user/alice", "AssumeRole hub duration=3600 by=session/alice"}
	if got := d.Calls(); !slices.Equal(got, want) || len(d.comes) > 0 {
		t.Errorf("calls %q and %d more questions, want %q", got, len(d.comes), want)
	}
}

func TestUnattendedCannotAsk(t *testing.T) {
	d := newDesk(t, "[profile m]\n"+testvault.MFA)
	away := errors.New("the terminal is another's")
	d.served.Reach = func(s plan.Step) error {
		if s.Kind != plan.KindSessionToken {
			t.Errorf("a way is looked for to ask for the %s", s.Kind)
		}
		return away
	}
	if err := d.request(t, serveNeed, d.Hub); !errors.Is(err, away) {
		t.Fatalf("error %v, want the reason why nobody is asked", err)
	} else {
		waits(t, err, false)
	}
	d.served.Reach = nil
	waits(t, d.request(t, serveNeed), false)
	if got := d.Calls(); len(got)+len(d.comes) > 0 {
		t.Errorf("calls %q and %d questions, want none", got, len(d.comes))
	}
}

// Who declines is left in peace for a while, whatever programs go on asking.
func TestUnattendedIsDeclined(t *testing.T) {
	d := newDesk(t, "[profile m]\n"+testvault.MFA)
	waits(t, d.request(t, serveNeed), true)
	<-d.comes
	d.answers <- prompt.ErrCancelled
	d.served.Wait()
	for range 3 {
		err := d.request(t, serveNeed)
		waits(t, err, false)
		if !errors.Is(err, prompt.ErrCancelled) {
			t.Fatalf("error %v, want that it was declined", err)
		}
	}
	d.ClockOffset = 6 * time.Minute
	waits(t, d.request(t, serveNeed), true)
	<-d.comes
	d.answers <- prompt.ErrCancelled
}

// What is still valid is handed out while the person is asked for what comes after it.
func TestUnattendedShortAnswer(t *testing.T) {
	d := newDesk(t, "[profile m]\n"+testvault.MFA)
	waits(t, d.request(t, serveNeed), true)
	<-d.comes
	d.answers <- nil
	d.served.Wait()
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
			<-d.comes
			d.answers <- nil
			d.served.Wait()
		}
	}
	if n := len(d.comes); n > 0 {
		t.Errorf("%d more questions", n)
	}
	if err := d.request(t, serveNeed); err != nil {
		t.Fatal(err)
	}
	if got := d.Calls(); len(got) != 2 {
		t.Errorf("calls %q, want two", got)
	}
}

// The end of a server ends what is asked for it.
func TestUnattendedEnds(t *testing.T) {
	d := newDesk(t, "[profile m]\n"+testvault.MFA)
	waits(t, d.request(t, serveNeed), true)
	<-d.comes
	d.stop()
	d.served.Wait()
	waits(t, d.request(t, serveNeed), false)
}
