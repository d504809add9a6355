package source

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
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
	name, err := d.sessionName(ctx, s, spec.SessionName, before)
	if err != nil {
		return aws.Credentials{}, err
	}
	in := parameters{"RoleArn": {spec.ARN}, "RoleSessionName": {name}}
	in.seconds("DurationSeconds", s.Lasts)
	in.set("ExternalId", spec.ExternalID)
	in.set("SourceIdentity", spec.SourceIdentity)
	for i, t := range spec.Tags {
		in.set(member("Tags", i, "Key"), t.Key)
		in[member("Tags", i, "Value")] = []string{t.Value} // which may be empty
	}
	for i, key := range spec.TransitiveTags {
		in.set(member("TransitiveTagKeys", i, ""), key)
	}
	in.limit(s.Policy)
	return d.session(ctx, call{action: "AssumeRole", about: spec.ARN, step: s, before: before}, in)
}

// session makes a call that may carry a code and gives credentials.
func (d *Deps) session(ctx context.Context, c call, in parameters) (aws.Credentials, error) {
	var out given
	if err := d.withCode(ctx, c, in, &out); err != nil {
		return aws.Credentials{}, err
	}
	return c.credentials(out)
}

func (d *Deps) sessionToken(ctx context.Context, s plan.Step, before aws.Credentials) (aws.Credentials, error) {
	in := parameters{}
	in.seconds("DurationSeconds", s.Lasts)
	creds, err := d.session(ctx, call{action: "GetSessionToken", step: s, before: before}, in)
	if err != nil {
		return aws.Credentials{}, err
	}
	creds.AccountID = before.AccountID
	return creds, nil
}

// sessionName fills in the calling user's name where the profile asks for it.
func (d *Deps) sessionName(ctx context.Context, s plan.Step, name string, before aws.Credentials) (string, error) {
	if !strings.Contains(name, plan.UserName) {
		return name, nil
	}
	caller, err := d.Caller(ctx, plan.Call{Region: s.Region, Endpoint: s.Endpoint}, before)
	if err != nil {
		return "", err
	}
	user, ok := caller.User()
	if !ok {
		return "", &NotUserError{Profile: s.Profile, Caller: caller.ARN}
	}
	return strings.ReplaceAll(name, plan.UserName, user), nil
}

// limit adds a session policy.
func (p parameters) limit(most policy.Policy) {
	p.set("Policy", most.Inline)
	for i, arn := range most.ARNs {
		p.set(member("PolicyArns", i, "arn"), arn)
	}
}

// accountOf returns the account in an ARN, or nothing.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
