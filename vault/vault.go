// Package vault turns a profile's name into credentials: profile resolves the name, plan decides on
// the steps, store returns cached sessions, and source creates what is missing. What is done with
// credentials, and what the user reads, is left to the commands.
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
	return v.plan(ctx, name, o, storedSignIns{v.Source})
}

// Preview is [Vault.Plan] for a plan that is shown and not carried out. It opens no sign-in to
// learn whose it is, so what it says of that may be wrong.
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
	return pl, err
}

// similarNames names what the user may have meant.
func (v *Vault) similarNames(ctx context.Context, name string) []string {
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

// Credentials carries a plan out and returns credentials that serve for at least need, or
// half their life if that is less, as far as that can be had without bothering a human.
// Every temporary step is kept under its digest, so that a changed setting is never
// answered with an old session; what can be answered from there calls nothing.
func (v *Vault) Credentials(ctx context.Context, pl plan.Plan, o plan.Options, need time.Duration) (aws.Credentials, error) {
	c, err := v.newExecutor(pl, o)
	if err != nil {
		return aws.Credentials{}, err
	}
	return c.execute(ctx, len(pl.Steps)-1, need)
}

// CachedSessions returns what the index knows of the sessions that would answer for the steps of a
// plan, by the step's number. It opens nothing, so it is a hint.
func (v *Vault) CachedSessions(pl plan.Plan) map[int]store.Entry {
	cached, entries := map[int]store.Entry{}, v.Sessions.Index.Entries()
	for i, s := range pl.Steps {
		if e, ok := entries[string(pl.Digest(i))]; ok && s.Keep && pl.Decided(i) && e.Expires.After(v.Sessions.Now()) {
			cached[i] = e
		}
	}
	return cached
}
