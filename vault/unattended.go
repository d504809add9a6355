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

// Unattended creates credentials for programs that cannot wait for a prompt, such as the clients of a server.
// It is safe for concurrent use.
type Unattended struct {
	Vault *Vault

	// When PromptContext ends, all background prompts end.
	PromptContext context.Context
	// CanPrompt returns nil if the user can be prompted for this step while another program uses the terminal.
	// Otherwise it returns the reason. If CanPrompt is nil, the user is never prompted.
	CanPrompt func(plan.Step) error

	mu      sync.Mutex
	prompts map[plan.Digest]*backgroundPrompt
	running sync.WaitGroup
}

// A backgroundPrompt is a prompt in the background, which may have ended.
type backgroundPrompt struct {
	ended time.Time // when the prompt ended; zero while the prompt is open
	err   error
}

// promptPause is the minimum time between a failed prompt and the next prompt for the same step or sign-in. Without
// this pause, clients that retry would cause many prompts.
const promptPause = 5 * time.Minute

// LoginRequiredError reports that the user must answer a prompt first, and that the caller cannot wait for the
// answer.
type LoginRequiredError struct {
	Profile   string
	Question  string // what the user is prompted for
	Prompting bool   // whether a prompt is open now
	Err       error  // reason why no prompt is open; may be the error of the last prompt
}

func (e *LoginRequiredError) Error() string {
	if e.Prompting {
		return fmt.Sprintf("profile %s needs %s: answer the open prompt first", e.Profile, e.Question)
	}
	return fmt.Sprintf("profile %s needs %s: %v", e.Profile, e.Question, e.Err)
}

// Unwrap returns the reason why the user could not be prompted.
func (e *LoginRequiredError) Unwrap() error { return e.Err }

var errCannotPrompt = errors.New("aws-vault cannot prompt now")

// Credentials is like [Vault.Credentials], but never waits for a prompt. If a new session would need a prompt, and the
// cached session is valid for at least 5 min, Credentials returns the cached session without a prompt. If the cached
// session is valid for a shorter time, Credentials opens the prompt in the background and returns at once. It then
// returns the cached session if that is valid for minFallbackValidity, and a [*LoginRequiredError] otherwise.
// Concurrent calls share one prompt.
func (u *Unattended) Credentials(ctx context.Context, pl plan.Plan, o plan.Options, need time.Duration) (aws.Credentials, error) {
	c, err := u.Vault.newExecutor(pl, o)
	if err != nil {
		return aws.Credentials{}, err
	}
	last := len(pl.Steps) - 1
	if !pl.DigestKnown(last) {
		if err := c.identify(ctx, last); err != nil {
			return aws.Credentials{}, err
		}
	}
	found := c.findCached(ctx, last, need)
	if found.Fresh {
		return found.Session.Credentials, nil
	}
	step, prompts := c.firstPrompt(ctx, last)
	if !prompts {
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

// minFallbackValidity is how long a cached session must still be valid to be returned while a prompt for a new session
// is open.
const minFallbackValidity = 10 * time.Second

// startPrompt opens a background prompt for the step, unless a prompt is already open. It reports whether a prompt is
// open. If no prompt is open, it returns the reason.
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
	switch spec := c.plan.Steps[step].Spec.(type) { // all roles of a sign-in share one prompt, because one sign-in is enough for all of them
	case plan.SSORole:
		name = spec.TokenDigest()
	case plan.OIDCRole:
		name = spec.TokenDigest()
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

// Wait returns when no prompt is open.
func (u *Unattended) Wait() { u.running.Wait() }
