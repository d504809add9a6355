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
type supply struct {
	app        *app.App
	task       *app.Task
	unattended *vault.Unattended
}

// newSupply makes one. Until is as for [vault.Unattended].
func newSupply(until context.Context, a *app.App, t *app.Task) *supply {
	return &supply{app: a, task: t, unattended: &vault.Unattended{Vault: t.Vault, Until: until, Reach: t.Reach}}
}

func (s *supply) plan(ctx context.Context, then ...string) (plan.Plan, error) {
	o := s.task.Options
	o.Then = then
	return s.task.Session.Plan(ctx, s.task.Profile, o)
}

// make creates credentials for whoever asks the server. It asks a person in the background only.
func (s *supply) make(ctx context.Context, need time.Duration, then ...string) (aws.Credentials, error) {
	pl, err := s.plan(ctx, then...)
	if err != nil {
		return aws.Credentials{}, &planError{err}
	}
	return s.unattended.Credentials(ctx, pl, s.task.Options, need)
}

// begin makes the first credentials, while the person can still be asked in any way. Where
// ctx ends, it is waited for that the question is taken back from the terminal.
func (s *supply) begin(ctx context.Context, l *server.CredentialCache) error {
	return l.CreateFirst(ctx, func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
		pl, err := s.plan(ctx)
		if err != nil {
			return aws.Credentials{}, &planError{err}
		}
		return s.task.Session.Credentials(ctx, pl, s.task.Options, need)
	})
}

// lease is of the profile's own credentials.
func (s *supply) lease(need time.Duration) *server.CredentialCache { return s.leaseOf(need) }

// roles are leases of roles on top of them.
func (s *supply) roles() *server.Roles {
	return &server.Roles{NewCache: func(arn string) *server.CredentialCache { return s.leaseOf(server.ECSMinValidity, arn) }}
}

func (s *supply) leaseOf(need time.Duration, then ...string) *server.CredentialCache {
	return &server.CredentialCache{
		Create: func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
			return s.make(ctx, need, then...)
		},
		MinValidity: need, Clock: s.clock(),
		RenewalFailed: func(err error) {
			s.app.Warn(fmt.Errorf("renewing the credentials of profile %s: %w; what there is serves until it expires", s.task.Profile, err))
		},
	}
}

// clock tells AWS's time, which credentials expire by.
func (s *supply) clock() server.Clock {
	return server.Clock{Now: s.task.Session.Source.AWS.Clock.Now, AfterFunc: time.AfterFunc}
}
