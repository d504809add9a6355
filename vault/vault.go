// Package vault turns a profile's name into credentials: profile resolves the name, plan decides on
// the steps, store returns cached sessions, and source creates what is missing. What is done with
// credentials, and what the user reads, is left to the commands.
package vault

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// PlanEnvironment plans to use the credentials in the environment. Besides the errors of
// [profile.File.Resolve], it returns [plan.ErrNoEnvironmentKey].
func (v *Vault) PlanEnvironment(o plan.Options) (plan.Plan, error) {
	p, err := v.Config.Resolve("default", v.Inputs)
	if err != nil {
		return plan.Plan{}, err
	}
	l, err := v.limits(p, o)
	if err != nil {
		return plan.Plan{}, err
	}
	h := plan.Holdings{Environment: v.environment(), Policies: l.texts, Named: l.named, Agents: l.agents}
	return plan.FromEnvironment(p, h, o)
}

// Caller asks AWS whose a key is, with the region and endpoint of the named profile.
func (v *Vault) Caller(ctx context.Context, name string, key aws.Credentials) (awsapi.Caller, error) {
	p, err := v.Config.Resolve(name, v.Inputs)
	if err != nil {
		return awsapi.Caller{}, err
	}
	return v.Source.STS(plan.STS(p)).Caller(ctx, key)
}

// A Vault makes credentials. Its fields are its whole world.
type Vault struct {
	Config   *profile.File
	Inputs   profile.Inputs // what stands above and beside the config file
	Keys     *store.Keys
	Sessions *store.Sessions
	Source   *source.Deps
	Open     func(path string) (io.ReadCloser, error) // a file that a profile names
	Warn     func(error)                              // what went wrong and lost nothing
	CanTouch bool                                     // the keystore can keep an item so that it opens with a touch only
}

// Plan says how the credentials of the named profile would be made. It asks the keystore
// whether keys are stored for the profiles of that chain and which sign-in it begins with,
// and nothing else. It runs no program and calls nothing: see [plan.Plan.Decided]. Besides the
// errors of [profile.File.Resolve] and [plan.Make], it returns the keystore's.
func (v *Vault) Plan(ctx context.Context, name string, o plan.Options) (plan.Plan, error) {
	return v.plan(ctx, name, o, keptSignIns{v.Source})
}

// Preview is [Vault.Plan] for a plan that is shown and not carried out. It opens no sign-in to
// learn whose it is, so what it says of that may be wrong.
func (v *Vault) Preview(ctx context.Context, name string, o plan.Options) (plan.Plan, error) {
	return v.plan(ctx, name, o, listedSignIns{v.Source})
}

func (v *Vault) plan(ctx context.Context, name string, o plan.Options, signed signIns) (plan.Plan, error) {
	p, err := v.Config.Resolve(name, v.Inputs)
	if err != nil {
		return plan.Plan{}, err
	}
	for _, w := range p.Warnings() {
		v.Source.Log.Debug("config", "at", w.Origin.String(), "warning", w.Text)
	}
	h, err := v.holdings(ctx, p, o, signed)
	if err != nil {
		return plan.Plan{}, err
	}
	pl, err := plan.Make(p, h, o)
	var unknown *plan.NoProfileError
	if errors.As(err, &unknown) {
		unknown.Near = v.near(ctx, name)
	}
	return pl, err
}

// near names what the user may have meant.
func (v *Vault) near(ctx context.Context, name string) []string {
	names := v.Config.Profiles()
	if stored, err := v.Keys.Names(ctx); err == nil {
		names = append(names, stored...)
	}
	slices.Sort(names)
	return profile.Nearest(name, slices.Compact(names))
}

// StaticKey returns the plain-text key that a profile holds, or the errors of
// [profile.File.Resolve]. A plan names the profile and holds no secret.
func StaticKey(config *profile.File, in profile.Inputs, name string) (aws.Credentials, error) {
	p, err := config.Resolve(name, in)
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{
		AccessKeyID: p.Text("aws_access_key_id"), SecretAccessKey: p.Text("aws_secret_access_key"), SessionToken: p.Text("aws_session_token"),
	}, nil
}

// innerNeed is how long a session must still serve to make the next one with it.
const innerNeed = time.Minute

// Credentials carries a plan out and returns credentials that serve for at least need, or
// half their life if that is less, as far as that can be had without bothering a human.
// Every temporary step is kept under its digest, so that a changed setting is never
// answered with an old session; what can be answered from there calls nothing.
func (v *Vault) Credentials(ctx context.Context, pl plan.Plan, o plan.Options, need time.Duration) (aws.Credentials, error) {
	c, err := v.carrier(pl, o)
	if err != nil {
		return aws.Credentials{}, err
	}
	return c.carry(ctx, len(pl.Steps)-1, need)
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

// A carrier carries one plan out.
type carrier struct {
	vault    *Vault
	plan     plan.Plan
	options  plan.Options
	keyCheck string           // of the key at the root, once it was read
	given    *aws.Credentials // what the first step gave, where only that tells whose they are
	token    string           // that was needed to find out whose it is, and was not exchanged yet
}

func (c *carrier) step(ctx context.Context, i int, need time.Duration) (aws.Credentials, error) {
	s := c.plan.Steps[i]
	switch {
	case !s.Keep:
		return c.make(ctx, i)
	case !c.plan.Decided(i):
		return aws.Credentials{}, errUndecided
	}
	session, warnings, err := c.vault.Sessions.Get(ctx, c.ask(ctx, i, need))
	for _, w := range warnings {
		c.vault.Warn(w)
	}
	return session.Credentials, err
}

// errUndecided is returned rather than a session that may be another caller's.
var errUndecided = errors.New("a session was looked for before it was known whose credentials it begins with")

// ask says which session answers for the i-th step, and how it is made where none does.
func (c *carrier) ask(ctx context.Context, i int, need time.Duration) store.Ask {
	s, digest := c.plan.Steps[i], c.plan.Digest(i)
	a := store.Ask{
		Name: string(digest), Need: need, MaxAge: s.MaxAge, KeyCheck: c.keyCheck,
		Profile: s.Profile, Kind: string(s.Kind), Root: c.plan.Steps[0].Profile, Touch: s.Touch,
		Question: waitsFor(s),
		Human: func() bool {
			_, asks := c.asking(ctx, i)
			return asks
		},
		Make: func(ctx context.Context) (store.Made, error) {
			creds, err := c.make(ctx, i)
			return store.Made{Credentials: creds, Skew: c.vault.Source.AWS.Clock.Skew(), KeyCheck: c.keyCheck}, err
		},
	}
	if s.Kind == plan.KindSessionToken && i == len(c.plan.Steps)-1 && c.options.Duration > 0 {
		a.AtMost, a.Apart = s.Lasts, string(digest.Lasting(s.Lasts))
	}
	return a
}

// make carries out the i-th step on what the steps before it give. A kept session that
// AWS takes for expired is made anew, once: somebody may have ended it.
func (c *carrier) make(ctx context.Context, i int) (aws.Credentials, error) {
	creds, err := c.makeOnce(ctx, i)
	var refused *awsapi.APIError
	if i == 0 || !c.plan.Steps[i-1].Keep || !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, "ExpiredToken") {
		return creds, err
	}
	ended := string(c.plan.Digest(i - 1))
	if _, _, dropErr := c.vault.Sessions.Remove(ctx, func(e store.Entry) bool { return e.Name == ended }); dropErr != nil {
		return creds, err
	}
	c.given = nil
	return c.makeOnce(ctx, i)
}

func (c *carrier) makeOnce(ctx context.Context, i int) (aws.Credentials, error) {
	c.vault.Source.Expect(c.plan.Steps[i])
	if i == 0 {
		creds, err := c.first(ctx)
		if err == nil && c.plan.Steps[0].Kind == plan.KindStoredKey {
			c.keyCheck = store.KeyCheck(creds)
		}
		return creds, err
	}
	before, err := c.before(ctx, i)
	if err != nil {
		return aws.Credentials{}, err
	}
	return c.vault.Source.Make(ctx, c.plan.Steps[i], before)
}

// asking returns the first step that would ask a person, were the i-th carried out anew,
// given the sessions that are kept.
func (c *carrier) asking(ctx context.Context, i int) (step int, asks bool) {
	if i > 0 {
		a := c.ask(ctx, i-1, innerNeed)
		a.Human = nil
		if _, kept := c.kept(ctx, i-1, a); !kept {
			if step, asks = c.asking(ctx, i-1); asks {
				return step, true
			}
		}
	}
	return i, c.vault.asks(ctx, c.plan.Steps[i])
}

// kept returns the session that is kept for the i-th step, if it answers the ask.
func (c *carrier) kept(ctx context.Context, i int, a store.Ask) (store.Session, bool) {
	if !c.plan.Steps[i].Keep || !c.plan.Decided(i) {
		return store.Session{}, false
	}
	session, fresh, _, err := c.vault.Sessions.Find(ctx, a)
	return session, err == nil && fresh
}

// asks reports whether a step, carried out, asks a person.
func (v *Vault) asks(ctx context.Context, s plan.Step) bool {
	if spec, ok := s.Spec.(plan.SSORole); ok {
		return !v.Source.SSO(plan.Endpoint{}, spec.SSO).Held(ctx)
	}
	if spec, ok := s.Spec.(plan.OIDCRole); ok {
		return v.Source.OpenID(spec.OIDC).Asks(ctx)
	}
	if spec, ok := s.Spec.(plan.IdentityRole); ok {
		return spec.Hardware()
	}
	if spec, ok := s.Spec.(plan.RolesAnywhere); ok {
		_, onCard := plan.Slot(spec.PrivateKey) // which wants a PIN or a touch
		return onCard
	}
	return s.MFA.Serial != "" && s.MFA.Process == ""
}

// waitsFor says what a step may be asking, for those who wait for its answer.
func waitsFor(s plan.Step) string {
	if s.MFA.Serial != "" {
		return "the MFA code of " + s.MFA.Serial
	}
	return string(s.Kind) + " of profile " + s.Profile
}

// Kept returns what the index knows of the sessions that would answer for the steps of a
// plan, by the step's number. It opens nothing, so it is a hint.
func (v *Vault) Kept(pl plan.Plan) map[int]store.Entry {
	kept, entries := map[int]store.Entry{}, v.Sessions.Index.Entries()
	for i, s := range pl.Steps {
		if e, ok := entries[string(pl.Digest(i))]; ok && s.Keep && pl.Decided(i) && e.Expires.After(v.Sessions.Now()) {
			kept[i] = e
		}
	}
	return kept
}
