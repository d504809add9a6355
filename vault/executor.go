package vault

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// An executor carries out one plan. It begins with the last step and goes back: what a step yields is
// a cached session, or is created from what the step before it yields. So step and create call each
// other, each time for one step less. What a session is created from is looked for under the lock of
// that session, and so created once even if several processes need it.
type executor struct {
	vault   *Vault
	plan    plan.Plan // in which identify fills in whose credentials the first step yields
	options plan.Options

	// What finding that out has yielded is used once.
	firstCredentials *aws.Credentials // the first step's credentials; nil for none
	token            string           // the token that the first step exchanges; empty for none
}

// newExecutor returns what carries the plan out, unless that is refused beforehand.
func (v *Vault) newExecutor(pl plan.Plan, o plan.Options) (executor, error) {
	if err := v.checkRecursion(pl); err != nil {
		return executor{}, err
	}
	if last := pl.Last(); last.Touch && !v.CanTouch {
		return executor{}, &TouchError{Profile: last.Profile}
	}
	return executor{vault: v, plan: pl, options: o}, nil
}

// checkRecursion refuses a plan that would run a program of a profile whose program has led
// here. It is seen before any lock is taken: that program's caller holds them.
func (v *Vault) checkRecursion(pl plan.Plan) error {
	for _, s := range pl.Steps {
		if setting := programSetting(s); setting != "" {
			if err := v.Source.CheckRecursion(setting, s.Profile); err != nil {
				return err
			}
		}
	}
	return nil
}

// programSetting names the setting whose program a step runs, if it runs one.
func programSetting(s plan.Step) string {
	w, _ := s.Spec.(plan.WebIdentity)
	switch {
	case s.Kind == plan.KindProcess:
		return "credential_process"
	case w.TokenProcess != "":
		return "web_identity_token_process"
	case s.MFA.Process != "":
		return "mfa_process"
	}
	return ""
}

// execute carries the plan out as far as the i-th step. If it turns out on the way that the first step
// yields another person's credentials than before, such as when another person signs in, the plan is
// carried out once more.
func (c *executor) execute(ctx context.Context, i int, need time.Duration) (aws.Credentials, error) {
	creds, err := c.executeOnce(ctx, i, need)
	if !errors.Is(err, store.ErrWrongIdentity) {
		return creds, err
	}
	c.firstCredentials, c.plan = nil, c.plan.Gave("")
	var other *source.IdentityChangedError
	if errors.As(err, &other) {
		c.plan = c.plan.From(other.Spec)
	}
	return c.executeOnce(ctx, i, need)
}

func (c *executor) executeOnce(ctx context.Context, i int, need time.Duration) (aws.Credentials, error) {
	if err := c.identify(ctx, i); err != nil {
		return aws.Credentials{}, err
	}
	made, err := c.step(ctx, i, need)
	return made.Credentials, err
}

// identify completes the plan with whose credentials its first step yields. This comes before any
// session is looked for, since it decides which one answers.
func (c *executor) identify(ctx context.Context, i int) error {
	first := c.plan.Steps[0]
	if !first.ShowsCaller() {
		known, token, err := c.vault.Source.Identify(ctx, first)
		if err == nil {
			c.plan, c.token = c.plan.From(known), cmp.Or(token, c.token)
		}
		return err
	}
	if i == 0 || first.Gave != "" {
		return nil
	}
	made, err := c.step(ctx, 0, minInputValidity)
	if err == nil {
		c.firstCredentials, c.plan = &made.Credentials, c.plan.Gave(fingerprint(made.Credentials))
	}
	return err
}

// minInputValidity is how long a session must still serve to make the next one with it.
const minInputValidity = time.Minute

// step returns what the i-th step yields: a cached session that serves for as long as needed, or
// what is created. If creating it would ask a person, a session that serves for less is enough.
func (c *executor) step(ctx context.Context, i int, need time.Duration) (store.Created, error) {
	switch {
	case !c.plan.Steps[i].Keep:
		return c.create(ctx, i)
	case !c.plan.Decided(i):
		return store.Created{}, errIdentityUnknown
	}
	a := c.request(i, need)
	found, err := c.vault.Sessions.Find(ctx, a)
	if err == nil && !found.Fresh && !(found.Short && c.wouldPrompt(ctx, i)) {
		a.Create = func(ctx context.Context) (store.Created, error) {
			made, err := c.create(ctx, i)
			made.Skew = c.vault.Source.AWS.Clock.Skew()
			return made, err
		}
		found.Session, found.Warnings, err = c.vault.Sessions.Replace(ctx, a, found)
	}
	for _, w := range found.Warnings {
		c.vault.Warn(w)
	}
	return store.Created{Credentials: found.Session.Credentials, KeyCheck: found.Session.KeyCheck}, err
}

// errIdentityUnknown is returned rather than a session that may be another caller's.
var errIdentityUnknown = errors.New("a session was looked for before it was known whose credentials it begins with")

// request says which session answers for the i-th step.
func (c *executor) request(i int, need time.Duration) store.Request {
	s, digest := c.plan.Steps[i], c.plan.Digest(i)
	a := store.Request{
		Name: string(digest), MinLeft: need, MaxAge: s.MaxAge,
		Profile: s.Profile, Kind: string(s.Kind), Root: c.plan.Steps[0].Profile, Touch: s.Touch,
		Question: lockDescription(s),
	}
	if s.Kind == plan.KindSessionToken && i == len(c.plan.Steps)-1 && c.options.Duration > 0 {
		a.MaxLeft, a.LimitedName = s.Lasts, string(digest.Lasting(s.Lasts))
	}
	return a
}

// findCached returns the cached session for the i-th step as [store.Sessions.Find] does, and none where
// it cannot be read: whoever creates one meets that error again.
func (c *executor) findCached(ctx context.Context, i int, need time.Duration) store.Found {
	if !c.plan.Steps[i].Keep || !c.plan.Decided(i) {
		return store.Found{}
	}
	found, err := c.vault.Sessions.Find(ctx, c.request(i, need))
	if err != nil {
		return store.Found{}
	}
	return found
}

// create carries out the i-th step on what the step before it yields. A cached session that AWS
// reports as expired is created anew, once: somebody may have ended it.
func (c *executor) create(ctx context.Context, i int) (store.Created, error) {
	made, err := c.createOnce(ctx, i)
	var refused *awsapi.APIError
	if i == 0 || !c.plan.Steps[i-1].Keep || !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, "ExpiredToken") {
		return made, err
	}
	ended := string(c.plan.Digest(i - 1))
	if _, _, dropErr := c.vault.Sessions.Remove(ctx, func(e store.Entry) bool { return e.Name == ended }); dropErr != nil {
		return made, err
	}
	c.firstCredentials = nil
	return c.createOnce(ctx, i)
}

func (c *executor) createOnce(ctx context.Context, i int) (store.Created, error) {
	c.vault.Source.PreloadRoots(c.plan.Steps[i])
	if i == 0 {
		return c.createFirst(ctx)
	}
	before, err := c.previous(ctx, i)
	if err != nil {
		return store.Created{}, err
	}
	creds, err := c.vault.Source.Create(ctx, c.plan.Steps[i], before.Credentials)
	return store.Created{Credentials: creds, KeyCheck: before.KeyCheck}, err
}

// createFirst carries out the first step.
func (c *executor) createFirst(ctx context.Context) (made store.Created, err error) {
	s, token := c.plan.Steps[0], c.token
	if spec, ok := s.Spec.(plan.WebIdentity); ok && token != "" {
		c.token = ""
		made.Credentials, err = c.vault.Source.WebIdentity(ctx, s, spec, token)
		return made, err
	}
	made.Credentials, err = c.vault.Source.Create(ctx, s, aws.Credentials{})
	if err == nil && s.Kind == plan.KindStoredKey {
		made.KeyCheck = store.KeyCheck(made.Credentials)
	}
	return made, err
}

// previous returns what the i-th step is carried out on.
func (c *executor) previous(ctx context.Context, i int) (store.Created, error) {
	if i == 1 && c.firstCredentials != nil {
		return store.Created{Credentials: *c.firstCredentials}, nil
	}
	made, err := c.step(ctx, i-1, minInputValidity)
	if gave := c.plan.Steps[0].Gave; err == nil && i == 1 && gave != "" && gave != fingerprint(made.Credentials) {
		return store.Created{}, credentialsChangedError{}
	}
	return made, err
}

// credentialsChangedError is returned where the first step of a plan gave other credentials than before.
type credentialsChangedError struct{}

func (credentialsChangedError) Error() string {
	return "the first credentials of the profile changed while they were used"
}

func (credentialsChangedError) Unwrap() error { return store.ErrWrongIdentity }

// fingerprint tells credentials apart. The access key id alone would let anything that names it pass for its owner.
func fingerprint(c aws.Credentials) string {
	return plan.Fingerprint(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}
