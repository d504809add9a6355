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

// NotUserError is returned where a role session is to be named after the calling user,
// and the caller is none.
type NotUserError struct {
	Profile string
	Caller  string // an ARN
}

func (e *NotUserError) Error() string {
	return fmt.Sprintf("role_session_name of profile %s holds %s, but the caller is %s, want a user", e.Profile, plan.UserName, e.Caller)
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
	return creds, tagsRefused(s, spec.ARN, err)
}

// roleRequest asks for a session of a role as a step wants all of its sessions.
func roleRequest(s plan.Step, role, name string) awsapi.RoleRequest {
	return awsapi.RoleRequest{Role: role, SessionName: name, Duration: s.Lasts, Policy: awsapi.Policy(s.Policy)}
}

func (d *Deps) sessionToken(ctx context.Context, s plan.Step, before aws.Credentials) (aws.Credentials, error) {
	service := sts(d.AWS, s)
	creds, err := codeSender{deps: d, step: s}.send(ctx, func(ctx context.Context, m awsapi.MFA) (aws.Credentials, error) {
		return service.SessionToken(ctx, before, s.Lasts, m)
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	creds.AccountID = before.AccountID
	return creds, nil
}

// sessionName fills in the calling user's name where the profile asks for it.
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

// TagsRefusedError is returned where AWS lets nobody tag the session of a role, or pass tags
// on to it.
type TagsRefusedError struct {
	Profile string
	Role    string // its ARN
	Agent   bool   // the session is a coding agent's, whose tags are ours
	Err     *awsapi.APIError
}

func (e *TagsRefusedError) Error() string {
	return fmt.Sprintf("role %s takes no session tags, as its trust policy or the caller's own lacks sts:TagSession: %v", e.Role, e.Err)
}

// Unwrap returns AWS's refusal.
func (e *TagsRefusedError) Unwrap() error { return e.Err }

// tagsRefused says it where AWS's refusal of a role names the permission to tag. Nothing is
// tried without the tags: they were asked for.
func tagsRefused(s plan.Step, role string, err error) error {
	var refused *awsapi.APIError
	if errors.As(err, &refused) && refused.Code == "AccessDenied" && strings.Contains(refused.Message, "sts:TagSession") {
		return &TagsRefusedError{Profile: s.Profile, Role: role, Agent: s.Agent != "", Err: refused}
	}
	return err
}
