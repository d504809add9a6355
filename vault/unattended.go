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

	// PromptContext is how long a person may be asked in the background.
	PromptContext context.Context
	// CanPrompt returns nil if a person can be asked what the step asks while another program
	// has the terminal, and otherwise why not; nil for nobody to ask.
	CanPrompt func(plan.Step) error

	mu      sync.Mutex
	prompts map[plan.Digest]*backgroundPrompt
	running sync.WaitGroup
}

// A question is what a person is or was asked in the background.
type backgroundPrompt struct {
	ended time.Time // zero while it is open
	err   error
}

// promptPause is how long a person who has not answered is left in peace: programs ask a
// server again and again.
const promptPause = 5 * time.Minute

// LoginRequiredError is returned where a person has to answer before there are
// credentials, and whoever asked cannot wait for that.
type LoginRequiredError struct {
	Profile   string
	Question  string // what a person would be asked
	Prompting bool   // a person is being asked now
	Err       error  // why nobody is, or what came of it
}

func (e *LoginRequiredError) Error() string {
	if e.Prompting {
		return fmt.Sprintf("profile %s waits for a person, who is being asked: %s", e.Profile, e.Question)
	}
	return fmt.Sprintf("profile %s waits for a person: %s: %v", e.Profile, e.Question, e.Err)
}

// Unwrap returns why nobody is asked.
func (e *LoginRequiredError) Unwrap() error { return e.Err }

var errCannotPrompt = errors.New("there is no way to ask now")

// Credentials is [Vault.Credentials] for those who cannot wait: where a person would have
// to be asked, it returns at once with what is kept, however little that has left, or else
// with a [*LoginRequiredError]. Meanwhile the person is asked in the background, if they can
// be reached, once for however many ask.
func (u *Unattended) Credentials(ctx context.Context, pl plan.Plan, o plan.Options, need time.Duration) (aws.Credentials, error) {
	c, err := u.Vault.newExecutor(pl, o)
	if err != nil {
		return aws.Credentials{}, err
	}
	last := len(pl.Steps) - 1
	if !pl.Decided(last) {
		if err := c.identify(ctx, last); err != nil {
			return aws.Credentials{}, err
		}
	}
	found := c.findCached(ctx, last, need)
	if found.Fresh {
		return found.Session.Credentials, nil
	}
	step, asks := c.firstPrompt(ctx, last)
	if !asks {
		return c.execute(ctx, last, need)
	}
	if found.Short {
		return found.Session.Credentials, nil
	}
	e := &LoginRequiredError{Profile: pl.Profile, Question: promptDescription(pl.Steps[step])}
	e.Prompting, e.Err = u.startPrompt(c, step, need)
	if found := c.findCached(ctx, last, minFallbackValidity); found.Fresh {
		return found.Session.Credentials, nil
	}
	return aws.Credentials{}, e
}

// minFallbackValidity is how long credentials serve at least that are handed out while better ones
// wait for a person.
const minFallbackValidity = 10 * time.Second

// request has a person asked what the step asks, if they can be and are not yet, and reports
// whether they are.
func (u *Unattended) startPrompt(c executor, step int, need time.Duration) (asking bool, err error) {
	if u.CanPrompt == nil {
		return false, errCannotPrompt
	}
	if step < len(c.plan.Steps)-1 {
		need = minInputValidity
	}
	if err := u.CanPrompt(c.plan.Steps[step]); err != nil {
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
	q := u.prompts[name]
	switch {
	case q != nil && q.ended.IsZero():
		return true, nil
	case q != nil && q.err != nil && now.Sub(q.ended) < promptPause:
		return false, q.err
	case u.PromptContext.Err() != nil:
		return false, context.Cause(u.PromptContext)
	}
	if u.prompts == nil {
		u.prompts = map[plan.Digest]*backgroundPrompt{}
	}
	q = &backgroundPrompt{}
	u.prompts[name] = q
	u.running.Go(func() {
		_, err := c.execute(u.PromptContext, step, need)
		u.mu.Lock()
		defer u.mu.Unlock()
		q.ended, q.err = u.Vault.Sessions.Now(), err
	})
	return true, nil
}

// Wait returns once nobody is being asked.
func (u *Unattended) Wait() { u.running.Wait() }
