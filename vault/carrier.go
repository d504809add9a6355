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

// A carrier carries one plan out. It begins with the last step and goes back: what a step yields is
// a cached session, or is created from what the step before it yields. So step and create call each
// other, each time for one step less. What a session is created from is looked for under the lock of
// that session, and so created once even if several processes need it.
type carrier struct {
	vault   *Vault
	plan    plan.Plan // in which identify fills in whose credentials the first step yields
	options plan.Options

	// What finding that out has yielded is used once.
	given *aws.Credentials // the first step's credentials; nil for none
	token string           // the token that the first step exchanges; empty for none
}

// carrier returns what carries the plan out, unless that is refused beforehand.
func (v *Vault) carrier(pl plan.Plan, o plan.Options) (carrier, error) {
	if err := v.recursion(pl); err != nil {
		return carrier{}, err
	}
	if last := pl.Last(); last.Touch && !v.CanTouch {
		return carrier{}, &TouchError{Profile: last.Profile}
	}
	return carrier{vault: v, plan: pl, options: o}, nil
}

// recursion refuses a plan that would run a program of a profile whose program has led
// here. It is seen before any lock is taken: that program's caller holds them.
func (v *Vault) recursion(pl plan.Plan) error {
	for _, s := range pl.Steps {
		if setting := program(s); setting != "" {
			if err := v.Source.Recursion(setting, s.Profile); err != nil {
				return err
			}
		}
	}
	return nil
}

// program names the setting whose program a step runs, if it runs one.
func program(s plan.Step) string {
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

// carry carries the plan out as far as the i-th step. If it turns out on the way that the first step
// yields another person's credentials than before, such as when another person signs in, the plan is
// carried out once more.
func (c *carrier) carry(ctx context.Context, i int, need time.Duration) (aws.Credentials, error) {
	creds, err := c.carryOnce(ctx, i, need)
	if !errors.Is(err, store.ErrWrongIdentity) {
		return creds, err
	}
	c.given, c.plan = nil, c.plan.Gave("")
	var other *source.OtherCallerError
	if errors.As(err, &other) {
		c.plan = c.plan.From(other.Now)
	}
	return c.carryOnce(ctx, i, need)
}

func (c *carrier) carryOnce(ctx context.Context, i int, need time.Duration) (aws.Credentials, error) {
	if err := c.identify(ctx, i); err != nil {
		return aws.Credentials{}, err
	}
	made, err := c.step(ctx, i, need)
	return made.Credentials, err
}

// identify completes the plan with whose credentials its first step yields. This comes before any
// session is looked for, since it decides which one answers.
func (c *carrier) identify(ctx context.Context, i int) error {
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
	made, err := c.step(ctx, 0, innerNeed)
	if err == nil {
		c.given, c.plan = &made.Credentials, c.plan.Gave(fingerprint(made.Credentials))
	}
	return err
}

// innerNeed is how long a session must still serve to make the next one with it.
const innerNeed = time.Minute

// step returns what the i-th step yields: a cached session that serves for as long as needed, or
// what is created. If creating it would ask a person, a session that serves for less is enough.
func (c *carrier) step(ctx context.Context, i int, need time.Duration) (store.Created, error) {
	switch {
	case !c.plan.Steps[i].Keep:
		return c.create(ctx, i)
	case !c.plan.Decided(i):
		return store.Created{}, errUndecided
	}
	a := c.ask(i, need)
	found, err := c.vault.Sessions.Find(ctx, a)
	if err == nil && !found.Fresh && !(found.Short && c.wouldAsk(ctx, i)) {
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

// errUndecided is returned rather than a session that may be another caller's.
var errUndecided = errors.New("a session was looked for before it was known whose credentials it begins with")

// ask says which session answers for the i-th step.
func (c *carrier) ask(i int, need time.Duration) store.Request {
	s, digest := c.plan.Steps[i], c.plan.Digest(i)
	a := store.Request{
		Name: string(digest), MinLeft: need, MaxAge: s.MaxAge,
		Profile: s.Profile, Kind: string(s.Kind), Root: c.plan.Steps[0].Profile, Touch: s.Touch,
		Question: waitsFor(s),
	}
	if s.Kind == plan.KindSessionToken && i == len(c.plan.Steps)-1 && c.options.Duration > 0 {
		a.MaxLeft, a.LimitedName = s.Lasts, string(digest.Lasting(s.Lasts))
	}
	return a
}

// find returns the cached session for the i-th step as [store.Sessions.Find] does, and none where
// it cannot be read: whoever creates one meets that error again.
func (c *carrier) find(ctx context.Context, i int, need time.Duration) store.Found {
	if !c.plan.Steps[i].Keep || !c.plan.Decided(i) {
		return store.Found{}
	}
	found, err := c.vault.Sessions.Find(ctx, c.ask(i, need))
	if err != nil {
		return store.Found{}
	}
	return found
}

// create carries out the i-th step on what the step before it yields. A cached session that AWS
// reports as expired is created anew, once: somebody may have ended it.
func (c *carrier) create(ctx context.Context, i int) (store.Created, error) {
	made, err := c.createOnce(ctx, i)
	var refused *awsapi.APIError
	if i == 0 || !c.plan.Steps[i-1].Keep || !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, "ExpiredToken") {
		return made, err
	}
	ended := string(c.plan.Digest(i - 1))
	if _, _, dropErr := c.vault.Sessions.Remove(ctx, func(e store.Entry) bool { return e.Name == ended }); dropErr != nil {
		return made, err
	}
	c.given = nil
	return c.createOnce(ctx, i)
}

func (c *carrier) createOnce(ctx context.Context, i int) (store.Created, error) {
	c.vault.Source.Expect(c.plan.Steps[i])
	if i == 0 {
		return c.first(ctx)
	}
	before, err := c.before(ctx, i)
	if err != nil {
		return store.Created{}, err
	}
	creds, err := c.vault.Source.Make(ctx, c.plan.Steps[i], before.Credentials)
	return store.Created{Credentials: creds, KeyCheck: before.KeyCheck}, err
}

// first carries out the first step.
func (c *carrier) first(ctx context.Context) (made store.Created, err error) {
	s, token := c.plan.Steps[0], c.token
	if spec, ok := s.Spec.(plan.WebIdentity); ok && token != "" {
		c.token = ""
		made.Credentials, err = c.vault.Source.WebIdentity(ctx, s, spec, token)
		return made, err
	}
	made.Credentials, err = c.vault.Source.Make(ctx, s, aws.Credentials{})
	if err == nil && s.Kind == plan.KindStoredKey {
		made.KeyCheck = store.KeyCheck(made.Credentials)
	}
	return made, err
}

// before returns what the i-th step is carried out on.
func (c *carrier) before(ctx context.Context, i int) (store.Created, error) {
	if i == 1 && c.given != nil {
		return store.Created{Credentials: *c.given}, nil
	}
	made, err := c.step(ctx, i-1, innerNeed)
	if gave := c.plan.Steps[0].Gave; err == nil && i == 1 && gave != "" && gave != fingerprint(made.Credentials) {
		return store.Created{}, gaveOtherError{}
	}
	return made, err
}

// gaveOtherError is returned where the first step of a plan gave other credentials than before.
type gaveOtherError struct{}

func (gaveOtherError) Error() string {
	return "the first credentials of the profile changed while they were used"
}

func (gaveOtherError) Unwrap() error { return store.ErrWrongIdentity }

// fingerprint tells credentials apart. The access key id alone would let anything that names it pass for its owner.
func fingerprint(c aws.Credentials) string {
	return plan.Fingerprint(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}
