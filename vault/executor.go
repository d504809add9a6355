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

// An executor carries out one plan, beginning with the last step. The method step returns a cached session, or
// calls the method create. The method create calls step for the previous step, and creates the new session with the
// result. During this time, the process holds the lock of the new session. So if several processes need the
// session, only one of them creates it.
type executor struct {
	vault   *Vault
	plan    plan.Plan // plan to carry out; identify fills in the identity of the first step
	options plan.Options

	// Results of identify. Each result is used once.
	firstCredentials *aws.Credentials // result of the first step; nil if there is none
	token            string           // token that the first step exchanges; empty if there is none
}

// newExecutor returns an executor for the plan. It returns a [*source.RecursionError] or a [*TouchError] if the
// plan must not be carried out.
func (v *Vault) newExecutor(pl plan.Plan, o plan.Options) (executor, error) {
	if err := v.checkRecursion(pl); err != nil {
		return executor{}, err
	}
	if last := pl.Last(); last.Touch && !v.CanTouch {
		return executor{}, &TouchError{Profile: last.Profile}
	}
	return executor{vault: v, plan: pl, options: o}, nil
}

// checkRecursion returns a [*source.RecursionError] if the plan would run a program that has started this process.
// It must run before this process acquires a lock. Otherwise this process could wait for a lock that the process which
// started the program holds.
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

// programSetting returns the name of the setting whose program the step runs. It is empty if the step runs no
// program.
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

// execute carries out steps 0 to i and returns the credentials of step i. If the first step returns credentials of
// a different identity than planned, execute carries out the plan once more. This happens, for example, if another
// user has signed in.
func (c *executor) execute(ctx context.Context, i int, need time.Duration) (aws.Credentials, error) {
	creds, err := c.executeOnce(ctx, i, need)
	if !errors.Is(err, store.ErrWrongIdentity) {
		return creds, err
	}
	c.firstCredentials, c.plan = nil, c.plan.WithCaller("")
	var other *source.IdentityChangedError
	if errors.As(err, &other) {
		c.plan = c.plan.WithFirstSpec(other.Spec)
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

// identify completes the plan with the identity of the first step's credentials. It must run before sessions
// are looked up, because the identity is part of a session's cache key.
func (c *executor) identify(ctx context.Context, i int) error {
	first := c.plan.Steps[0]
	if !first.CallerFromOutput() {
		known, token, err := c.vault.Source.Identify(ctx, first)
		if err == nil {
			c.plan, c.token = c.plan.WithFirstSpec(known), cmp.Or(token, c.token)
		}
		return err
	}
	if i == 0 || first.CallerFingerprint != "" {
		return nil
	}
	made, err := c.step(ctx, 0, minInputValidity)
	if err == nil {
		c.firstCredentials, c.plan = &made.Credentials, c.plan.WithCaller(fingerprint(made.Credentials))
	}
	return err
}

// minInputValidity is how long a session must still be valid if the next session is created with it.
const minInputValidity = time.Minute

// step returns the result of step i: a cached session that is valid for at least the duration need, or a new
// session. If creating a session would prompt the user, step returns a cached session even if its validity is
// shorter.
func (c *executor) step(ctx context.Context, i int, need time.Duration) (store.Created, error) {
	switch {
	case !c.plan.Steps[i].Cacheable:
		return c.create(ctx, i)
	case !c.plan.DigestKnown(i):
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
	c.vault.Source.AWS.Clock.NoteSkew(found.Session.Skew)
	return store.Created{Credentials: found.Session.Credentials, KeyCheck: found.Session.KeyCheck}, err
}

// errIdentityUnknown reports that a session was looked up before the identity of the first step was known. The
// session is not used, because it may belong to another identity.
var errIdentityUnknown = errors.New("internal error: a session was looked up before the identity of the first step was known")

// request returns the cache lookup for the session of step i.
func (c *executor) request(i int, need time.Duration) store.Request {
	s, digest := c.plan.Steps[i], c.plan.Digest(i)
	a := store.Request{
		Name: string(digest), MinLeft: need, MaxAge: s.MaxAge,
		Profile: s.Profile, Kind: string(s.Kind), Root: c.plan.Steps[0].Profile, Touch: s.Touch,
		Question: lockDescription(s),
	}
	if s.Kind == plan.KindSessionToken && i == len(c.plan.Steps)-1 && c.options.Duration > 0 {
		a.MaxLeft, a.LimitedName = s.Duration, string(digest.ForDuration(s.Duration))
	}
	return a
}

// findCached returns the cached session for step i, as [store.Sessions.Find] does. If the keystore cannot be read, it
// returns no session and no error, because creating the session will report the error.
func (c *executor) findCached(ctx context.Context, i int, need time.Duration) store.Found {
	if !c.plan.Steps[i].Cacheable || !c.plan.DigestKnown(i) {
		return store.Found{}
	}
	found, err := c.vault.Sessions.Find(ctx, c.request(i, need))
	if err != nil {
		return store.Found{}
	}
	c.vault.Source.AWS.Clock.NoteSkew(found.Session.Skew)
	return found
}

// create carries out step i with the result of the previous step. If AWS reports that the cached session of the
// previous step has expired, create replaces that session and tries once more. This happens, for example, if a
// credential_process printed a wrong expiry.
func (c *executor) create(ctx context.Context, i int) (store.Created, error) {
	made, err := c.createOnce(ctx, i)
	var refused *awsapi.APIError
	if i == 0 || !c.plan.Steps[i-1].Cacheable || !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, "ExpiredToken") {
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

// previous returns the input of step i, which is the result of the step before it.
func (c *executor) previous(ctx context.Context, i int) (store.Created, error) {
	if i == 1 && c.firstCredentials != nil {
		return store.Created{Credentials: *c.firstCredentials}, nil
	}
	made, err := c.step(ctx, i-1, minInputValidity)
	if planned := c.plan.Steps[0].CallerFingerprint; err == nil && i == 1 && planned != "" && planned != fingerprint(made.Credentials) {
		return store.Created{}, credentialsChangedError{}
	}
	return made, err
}

// credentialsChangedError reports that the first step returned different credentials when it was carried out again
// after identify.
type credentialsChangedError struct{}

func (credentialsChangedError) Error() string {
	return "the profile's source credentials changed while they were in use"
}

func (credentialsChangedError) Unwrap() error { return store.ErrWrongIdentity }

// fingerprint returns a fingerprint of credentials. It includes the secret key, because the access key ID is public:
// anyone could return credentials that contain another user's access key ID.
func fingerprint(c aws.Credentials) string {
	return plan.Fingerprint(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}
