package run

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/app"
	"aws-vault/server"
	"aws-vault/vault"
	"aws-vault/vault/plan"
)

// A supply makes what a server hands out for one profile. It plans anew each time, so that
// a key that was replaced is noticed.
type credentialProvider struct {
	app        *app.App
	task       *app.Task
	unattended *vault.Unattended
}

// newCredentialProvider makes one. Until is as for [vault.Unattended].
func newCredentialProvider(until context.Context, a *app.App, t *app.Task) *credentialProvider {
	return &credentialProvider{app: a, task: t, unattended: &vault.Unattended{Vault: t.Vault, PromptContext: until, CanPrompt: t.CanAskFor}}
}

func (s *credentialProvider) plan(ctx context.Context, then ...string) (plan.Plan, error) {
	o := s.task.Options
	o.Then = then
	return s.task.Session.Plan(ctx, s.task.Profile, o)
}

// create creates credentials for whoever asks the server. It asks a person in the background only.
func (s *credentialProvider) create(ctx context.Context, need time.Duration, then ...string) (aws.Credentials, error) {
	pl, err := s.plan(ctx, then...)
	if err != nil {
		return aws.Credentials{}, &planError{err}
	}
	return s.unattended.Credentials(ctx, pl, s.task.Options, need)
}

// createFirst makes the first credentials, while the person can still be asked in any way. Where
// ctx ends, it is waited for that the question is taken back from the terminal.
func (s *credentialProvider) createFirst(ctx context.Context, l *server.CredentialCache) error {
	return l.CreateFirst(ctx, func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
		pl, err := s.plan(ctx)
		if err != nil {
			return aws.Credentials{}, &planError{err}
		}
		return s.task.Session.Credentials(ctx, pl, s.task.Options, need)
	})
}

// lease is of the profile's own credentials.
func (s *credentialProvider) lease(need time.Duration) *server.CredentialCache {
	return s.leaseOf(need)
}

// roles are leases of roles on top of them.
func (s *credentialProvider) roles() *server.Roles {
	return &server.Roles{NewCache: func(arn string) *server.CredentialCache { return s.leaseOf(server.ECSMinValidity, arn) }}
}

func (s *credentialProvider) leaseOf(need time.Duration, then ...string) *server.CredentialCache {
	return &server.CredentialCache{
		Create: func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
			return s.create(ctx, need, then...)
		},
		MinValidity: need, Clock: s.clock(),
		RenewalFailed: func(err error) {
			s.app.Warn(fmt.Errorf("renewing the credentials of profile %s: %w; what there is serves until it expires", s.task.Profile, err))
		},
	}
}

// clock tells AWS's time, which credentials expire by.
func (s *credentialProvider) clock() server.Clock {
	return server.Clock{Now: s.task.Session.Source.AWS.Clock.Now, AfterFunc: time.AfterFunc}
}
