// Package vault turns a profile's name into credentials. Package profile resolves the name, plan decides on the
// steps, store returns cached sessions, and source creates what is missing. The commands decide how credentials
// are used and what the user sees.
package vault

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// PlanEnvironment returns a plan that uses the credentials in the environment. It returns [plan.ErrNoEnvironmentKey] if
// the environment contains no credentials, or an error of [profile.File.Resolve].
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

// Caller asks AWS which identity a key belongs to. It uses the region and endpoint of the named profile.
func (v *Vault) Caller(ctx context.Context, name string, key aws.Credentials) (awsapi.Caller, error) {
	p, err := v.Config.Resolve(name, v.Inputs)
	if err != nil {
		return awsapi.Caller{}, err
	}
	return v.Source.STS(plan.STS(p)).Caller(ctx, key)
}

// A Vault creates credentials. Everything it depends on is in its fields.
type Vault struct {
	Config   *profile.File
	Inputs   profile.Inputs // settings from flags and the environment
	Keys     *store.Keys
	Sessions *store.Sessions
	Source   *source.Deps
	Open     func(path string) (io.ReadCloser, error) // opens a file that a profile names
	Warn     func(error)                              // reports a failure that does not stop the command
	CanTouch bool                                     // whether the keystore can protect an item with a touch
}

// Plan returns the plan for the credentials of the named profile. It reads from the keystore which keys are
// stored for the profile chain, and who is signed in. It runs no program and makes no network call: see
// [plan.Plan.DigestKnown]. It returns errors of [profile.File.Resolve], of [plan.Make] and of the keystore.
func (v *Vault) Plan(ctx context.Context, name string, o plan.Options) (plan.Plan, error) {
	return v.plan(ctx, name, o, storedSignIns{v.Source})
}

// Preview is like [Vault.Plan], for a plan that is shown and not carried out. It does not open stored sign-ins, so it
// may report a user who is no longer signed in.
func (v *Vault) Preview(ctx context.Context, name string, o plan.Options) (plan.Plan, error) {
	return v.plan(ctx, name, o, indexedSignIns{v.Source})
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
		unknown.Near = v.similarNames(ctx, name)
	}
	pl.Notes = append(pl.Notes, p.TrustNotes()...)
	return pl, err
}

// similarNames returns the names of profiles and stored keys that resemble the given name.
func (v *Vault) similarNames(ctx context.Context, name string) []string {
	names := v.Config.Profiles()
	if stored, err := v.Keys.Names(ctx); err == nil {
		names = append(names, stored...)
	}
	slices.Sort(names)
	return profile.Nearest(name, slices.Compact(names))
}

// StaticKey returns the plain-text key in a profile, or an error of [profile.File.Resolve]. A plan contains
// only the profile's name, never the key.
func StaticKey(config *profile.File, in profile.Inputs, name string) (aws.Credentials, error) {
	p, err := config.Resolve(name, in)
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{
		AccessKeyID: p.Text("aws_access_key_id"), SecretAccessKey: p.Text("aws_secret_access_key"), SessionToken: p.Text("aws_session_token"),
	}, nil
}

// Credentials carries out a plan. It returns credentials that are valid for at least the duration need, or for
// half their lifetime if that is shorter. There are two exceptions: if new credentials would require a prompt or
// cannot be created, Credentials may return a cached session with less validity. The result of each temporary step
// is cached under the digest of its settings, so a session is never reused after a setting has changed. If a valid
// session is cached, Credentials makes no network call, except to find out the identity that the first step uses.
func (v *Vault) Credentials(ctx context.Context, pl plan.Plan, o plan.Options, need time.Duration) (aws.Credentials, error) {
	c, err := v.newExecutor(pl, o)
	if err != nil {
		return aws.Credentials{}, err
	}
	return c.execute(ctx, len(pl.Steps)-1, need)
}

// CachedAccount returns the account of the plan's caller, if a cached session shows it, or "". It looks only at
// the steps whose credentials belong to the caller: the first step and a session token. It never prompts.
func (v *Vault) CachedAccount(ctx context.Context, pl plan.Plan) string {
	c := executor{vault: v, plan: pl}
	for i, s := range pl.Steps {
		if i > 0 && s.Kind != plan.KindSessionToken || s.Touch {
			break
		}
		if account := c.findCached(ctx, i, 0).Session.Credentials.AccountID; account != "" {
			return account
		}
	}
	return ""
}

// CachedSessions returns the index entries of the cached sessions for a plan, by step number. It does not open
// the sessions, and the index may be out of date.
func (v *Vault) CachedSessions(pl plan.Plan) map[int]store.Entry {
	cached, entries := map[int]store.Entry{}, v.Sessions.Index.Entries()
	for i, s := range pl.Steps {
		if e, ok := entries[string(pl.Digest(i))]; ok && s.Cacheable && pl.DigestKnown(i) && e.Expires.After(v.Sessions.Now()) {
			cached[i] = e
		}
	}
	return cached
}
