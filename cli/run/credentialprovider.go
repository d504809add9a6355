package run

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/app"
	"aws-vault/server"
	"aws-vault/vault"
	"aws-vault/vault/audit"
	"aws-vault/vault/plan"
)

// A credentialProvider creates the credentials that a server provides for one profile. It creates a new plan each time,
// because the user may have replaced the key in the meantime.
type credentialProvider struct {
	app        *app.App
	task       *app.Task
	unattended *vault.Unattended
	auditor    *app.Auditor
}

// newCredentialProvider returns the provider for a task. When the context until ends, all background prompts end,
// see [vault.Unattended].
func newCredentialProvider(until context.Context, a *app.App, t *app.Task) *credentialProvider {
	return &credentialProvider{app: a, task: t, unattended: &vault.Unattended{Vault: t.Vault, PromptContext: until, CanPrompt: t.CanAskFor}}
}

func (s *credentialProvider) plan(ctx context.Context, then ...string) (plan.Plan, error) {
	o := s.task.Options
	o.ExtraRoles = then
	return s.task.Session.Plan(ctx, s.task.Profile, o)
}

// create creates credentials for a client of the server. If a prompt is needed, create does not wait for the
// answer, see [vault.Unattended].
func (s *credentialProvider) create(ctx context.Context, need time.Duration, then ...string) (aws.Credentials, error) {
	pl, err := s.plan(ctx, then...)
	if err != nil {
		return aws.Credentials{}, &planError{err}
	}
	return s.unattended.Credentials(ctx, pl, s.task.Options, need)
}

// audit returns the function that a server calls before it provides credentials. It returns nil if there is no audit
// file.
func (s *credentialProvider) audit() func(server.AuditEvent) error {
	if !s.auditor.Enabled() {
		return nil
	}
	return func(h server.AuditEvent) error {
		return s.auditor.Record(func(e *audit.Entry) {
			if h.Role != "" {
				e.Role = h.Role
				// The plan is made again instead of being kept for each role, because a client may request many roles.
				if pl, err := s.plan(context.Background(), h.Role); err == nil {
					e.SetPlan(pl)
				}
			}
			e.Process = h.Peer
			e.SetExpiry(h.Expires)
		})
	}
}

// createFirst creates the first credentials. No other program uses the terminal yet, so all kinds of prompts are
// possible. If the context ctx ends, createFirst waits until the prompt is removed from the terminal.
func (s *credentialProvider) createFirst(ctx context.Context, l *server.CredentialCache) error {
	return l.CreateFirst(ctx, func(ctx context.Context, need time.Duration) (aws.Credentials, error) {
		pl, err := s.plan(ctx)
		if err != nil {
			return aws.Credentials{}, &planError{err}
		}
		return s.task.Session.Credentials(ctx, pl, s.task.Options, need)
	})
}

// lease returns the cache for the profile's credentials.
func (s *credentialProvider) lease(need time.Duration) *server.CredentialCache {
	return s.leaseOf(need)
}

// roles returns the caches for the credentials of roles that are assumed with the profile's credentials.
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
			s.app.Warn(fmt.Errorf("renewing the credentials of profile %s: %w; the current credentials are served until they expire", s.task.Profile, err))
		},
	}
}

// clock returns the clock that decides whether credentials have expired. AWS decides when they expire, and this
// computer's clock may be wrong. So the clock shows the latest time that AWS's clock may show. A cached session
// records how wrong this computer's clock was, so this works even before this process calls AWS.
func (s *credentialProvider) clock() server.Clock {
	return server.Clock{Now: s.task.Session.Source.AWS.Clock.Latest, AfterFunc: time.AfterFunc}
}
