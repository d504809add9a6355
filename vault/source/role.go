package source

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

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
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String(spec.ARN), RoleSessionName: aws.String(name), DurationSeconds: seconds(s.Lasts),
		ExternalId: optional(spec.ExternalID), SourceIdentity: optional(spec.SourceIdentity), TransitiveTagKeys: spec.TransitiveTags,
	}
	for _, t := range spec.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	in.Policy, in.PolicyArns = limits(s.Policy)
	var out *sts.AssumeRoleOutput
	c := call{action: "AssumeRole", about: spec.ARN, step: s, before: before}
	err = d.withCode(ctx, c, func(ctx context.Context, client *sts.Client, serial, code *string) (err error) {
		in.SerialNumber, in.TokenCode = serial, code
		out, err = client.AssumeRole(ctx, in)
		return err
	})
	if err != nil {
		return aws.Credentials{}, tagsRefused(s, spec.ARN, err)
	}
	return c.credentials(out.Credentials, out.AssumedRoleUser)
}

func (d *Deps) sessionToken(ctx context.Context, s plan.Step, before aws.Credentials) (aws.Credentials, error) {
	in := &sts.GetSessionTokenInput{DurationSeconds: seconds(s.Lasts)}
	var out *sts.GetSessionTokenOutput
	c := call{action: "GetSessionToken", step: s, before: before}
	err := d.withCode(ctx, c, func(ctx context.Context, client *sts.Client, serial, code *string) (err error) {
		in.SerialNumber, in.TokenCode = serial, code
		out, err = client.GetSessionToken(ctx, in)
		return err
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	creds, err := c.credentials(out.Credentials, nil)
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

func limits(p policy.Policy) (*string, []types.PolicyDescriptorType) {
	var arns []types.PolicyDescriptorType
	for _, arn := range p.ARNs {
		arns = append(arns, types.PolicyDescriptorType{Arn: aws.String(arn)})
	}
	return optional(p.Inline), arns
}

func seconds(d time.Duration) *int32 {
	if d == 0 {
		return nil
	}
	return aws.Int32(int32(d / time.Second))
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return aws.String(s)
}

// accountOf returns the account in an ARN, or nothing.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
