package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// Unattended makes credentials for programs that cannot wait for a person, such as those
// that ask a server. It may be used by several goroutines.
type Unattended struct {
	Vault *Vault

	// Until is how long a person may be asked in the background.
	Until context.Context
	// Reach returns nil if a person can be asked what the step asks while another program
	// has the terminal, and otherwise why not; nil for nobody to ask.
	Reach func(plan.Step) error

	mu        sync.Mutex
	questions map[plan.Digest]*question
	open      sync.WaitGroup
}

// A question is what a person is or was asked in the background.
type question struct {
	ended time.Time // zero while it is open
	err   error
}

// respite is how long a person who has not answered is left in peace: programs ask a
// server again and again.
const respite = 5 * time.Minute

// LoginRequiredError is returned where a person has to answer before there are
// credentials, and whoever asked cannot wait for that.
type LoginRequiredError struct {
	Profile  string
	Question string // what a person would be asked
	Asking   bool   // a person is being asked now
	Err      error  // why nobody is, or what came of it
}

func (e *LoginRequiredError) Error() string {
	if e.Asking {
		return fmt.Sprintf("profile %s waits for a person, who is being asked: %s", e.Profile, e.Question)
	}
	return fmt.Sprintf("profile %s waits for a person: %s: %v", e.Profile, e.Question, e.Err)
}

// Unwrap returns why nobody is asked.
func (e *LoginRequiredError) Unwrap() error { return e.Err }

var errUnreachable = errors.New("there is no way to ask now")

// Credentials is [Vault.Credentials] for those who cannot wait: where a person would have
// to be asked, it returns at once with what is kept, however little that has left, or else
// with a [*LoginRequiredError]. Meanwhile the person is asked in the background, if they can
// be reached, once for however many ask.
func (u *Unattended) Credentials(ctx context.Context, pl plan.Plan, o plan.Options, need time.Duration) (aws.Credentials, error) {
	c, err := u.Vault.carrier(pl, o)
	if err != nil {
		return aws.Credentials{}, err
	}
	last := len(pl.Steps) - 1
	if !pl.Decided(last) {
		if err := c.identify(ctx, last); err != nil {
			return aws.Credentials{}, err
		}
	}
	found := c.find(ctx, last, need)
	if found.Fresh {
		return found.Session.Credentials, nil
	}
	step, asks := c.asking(ctx, last)
	if !asks {
		return c.carry(ctx, last, need)
	}
	if found.Short {
		return found.Session.Credentials, nil
	}
	e := &LoginRequiredError{Profile: pl.Profile, Question: asked(pl.Steps[step])}
	e.Asking, e.Err = u.ask(c, step, need)
	if found := c.find(ctx, last, leastUse); found.Fresh {
		return found.Session.Credentials, nil
	}
	return aws.Credentials{}, e
}

// leastUse is how long credentials serve at least that are handed out while better ones
// wait for a person.
const leastUse = 10 * time.Second

// ask has a person asked what the step asks, if they can be and are not yet, and reports
// whether they are.
func (u *Unattended) ask(c carrier, step int, need time.Duration) (asking bool, err error) {
	if u.Reach == nil {
		return false, errUnreachable
	}
	if step < len(c.plan.Steps)-1 {
		need = innerNeed
	}
	if err := u.Reach(c.plan.Steps[step]); err != nil {
		return false, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	name, now := c.plan.Digest(step), u.Vault.Sessions.Now()
	switch spec := c.plan.Steps[step].Spec.(type) { // one sign-in serves every role
	case plan.SSORole:
		name = spec.Token()
	case plan.OIDCRole:
		name = spec.Token()
	}
	q := u.questions[name]
	switch {
	case q != nil && q.ended.IsZero():
		return true, nil
	case q != nil && q.err != nil && now.Sub(q.ended) < respite:
		return false, q.err
	case u.Until.Err() != nil:
		return false, context.Cause(u.Until)
	}
	if u.questions == nil {
		u.questions = map[plan.Digest]*question{}
	}
	q = &question{}
	u.questions[name] = q
	u.open.Go(func() {
		_, err := c.carry(u.Until, step, need)
		u.mu.Lock()
		defer u.mu.Unlock()
		q.ended, q.err = u.Vault.Sessions.Now(), err
	})
	return true, nil
}

// Wait returns once nobody is being asked.
func (u *Unattended) Wait() { u.open.Wait() }
