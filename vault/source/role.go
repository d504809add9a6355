package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// NotUserError reports that a role session cannot be named after the caller, because the caller is not an IAM
// user.
type NotUserError struct {
	Profile string
	Caller  string // ARN of the caller
}

func (e *NotUserError) Error() string {
	return fmt.Sprintf("role_session_name of profile %s contains %s, but the caller is %s, expected an IAM user", e.Profile, plan.UserName, e.Caller)
}

func (d *Deps) assumeRole(ctx context.Context, s plan.Step, spec plan.AssumeRole, before aws.Credentials) (aws.Credentials, error) {
	service := sts(d.AWS, s)
	name, err := sessionName(ctx, service, s, spec.SessionName, before)
	if err != nil {
		return aws.Credentials{}, err
	}
	r := roleRequest(s, spec.ARN, name)
	r.ExternalID, r.SourceIdentity, r.TransitiveTags = spec.ExternalID, spec.SourceIdentity, spec.TransitiveTags
	for _, t := range spec.Tags {
		r.Tags = append(r.Tags, awsapi.Tag(t))
	}
	creds, err := codeSender{deps: d, step: s}.send(ctx, func(ctx context.Context, m awsapi.MFA) (aws.Credentials, error) {
		return service.AssumeRole(ctx, before, r, m)
	})
	return creds, withoutCode(s, tagsRefused(s, spec.ARN, err))
}

// roleRequest returns a request for a session of a role, with the settings of the step.
func roleRequest(s plan.Step, role, name string) awsapi.RoleRequest {
	return awsapi.RoleRequest{Role: role, SessionName: name, Duration: s.Duration, Policy: awsapi.Policy(s.Policy)}
}

func (d *Deps) sessionToken(ctx context.Context, s plan.Step, before aws.Credentials) (aws.Credentials, error) {
	service := sts(d.AWS, s)
	creds, err := codeSender{deps: d, step: s}.send(ctx, func(ctx context.Context, m awsapi.MFA) (aws.Credentials, error) {
		return service.SessionToken(ctx, before, s.Duration, m)
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	creds.AccountID = before.AccountID
	return creds, nil
}

// sessionName replaces ${aws:username} in a session name with the name of the calling user.
func sessionName(ctx context.Context, service awsapi.STS, s plan.Step, name string, before aws.Credentials) (string, error) {
	if !strings.Contains(name, plan.UserName) {
		return name, nil
	}
	caller, err := service.Caller(ctx, before)
	if err != nil {
		return "", err
	}
	user, ok := caller.User()
	if !ok {
		return "", &NotUserError{Profile: s.Profile, Caller: caller.ARN}
	}
	return strings.ReplaceAll(name, plan.UserName, user), nil
}

// TagsRefusedError reports that AWS does not allow tags for a role's session.
type TagsRefusedError struct {
	Profile string
	Role    string // ARN of the role
	Agent   bool   // whether aws-vault added the refused tags for a coding agent
	Err     *awsapi.APIError
}

func (e *TagsRefusedError) Error() string {
	return fmt.Sprintf("session tags are not allowed for role %s: its trust policy or the caller's policy lacks sts:TagSession: %v", e.Role, e.Err)
}

// Unwrap returns AWS's refusal.
func (e *TagsRefusedError) Unwrap() error { return e.Err }

// NoCodeError reports that AWS refused a call that assumes a role. The call had no MFA code, because the profile
// of the role sets no device, but a source profile sets one. AWS does not tell whether the missing code is the
// reason.
type NoCodeError struct {
	Profile string         // the profile of the role, which sets no device
	Device  plan.UnusedMFA // the device, and the source profile that sets it
	Err     error          // AWS's refusal
}

func (e *NoCodeError) Error() string { return e.Err.Error() }

// Unwrap returns AWS's refusal.
func (e *NoCodeError) Unwrap() error { return e.Err }

// withoutCode turns AWS's refusal of a step that assumes a role into a [*NoCodeError], if a source profile has a
// device that the step does not use. It does not change a refusal of session tags, which has another reason than a
// missing code.
func withoutCode(s plan.Step, err error) error {
	var refused *awsapi.APIError
	var tags *TagsRefusedError
	if s.UnusedMFA.Serial == "" || errors.As(err, &tags) || !errors.As(err, &refused) || refused.Code != "AccessDenied" {
		return err
	}
	return &NoCodeError{Profile: s.Profile, Device: s.UnusedMFA, Err: err}
}

// tagsRefused turns AWS's refusal of session tags into a [*TagsRefusedError]. The call is not repeated without
// the tags, because the plan requires them.
func tagsRefused(s plan.Step, role string, err error) error {
	var refused *awsapi.APIError
	if errors.As(err, &refused) && refused.Code == "AccessDenied" && strings.Contains(refused.Message, "sts:TagSession") {
		return &TagsRefusedError{Profile: s.Profile, Role: role, Agent: s.Agent != "", Err: refused}
	}
	return err
}
