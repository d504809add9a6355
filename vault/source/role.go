package source

import (
	"context"
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
	creds, err := codes{deps: d, step: s}.send(ctx, func(ctx context.Context, m awsapi.MFA) (aws.Credentials, error) {
		return service.AssumeRole(ctx, before, r, m)
	})
	return creds, tagsRefused(s, spec.ARN, err)
}

// roleRequest asks for a session of a role as a step wants all of its sessions.
func roleRequest(s plan.Step, role, name string) awsapi.RoleRequest {
	return awsapi.RoleRequest{Role: role, SessionName: name, Lasts: s.Lasts, Policy: awsapi.Policy(s.Policy)}
}

func (d *Deps) sessionToken(ctx context.Context, s plan.Step, before aws.Credentials) (aws.Credentials, error) {
	service := sts(d.AWS, s)
	creds, err := codes{deps: d, step: s}.send(ctx, func(ctx context.Context, m awsapi.MFA) (aws.Credentials, error) {
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
