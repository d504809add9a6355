package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aws-vault/vault/plan"
)

// NotKeyError is returned where a user's own key is wanted, and the caller's is none.
type NotKeyError struct{ Profile, Caller string }

func (e *NotKeyError) Error() string {
	return fmt.Sprintf("the key of profile %s speaks for %s, want a user, whom a federated one can be named after", e.Profile, e.Caller)
}

func (d *Deps) federationToken(ctx context.Context, s plan.Step, spec plan.FederationToken, before aws.Credentials) (aws.Credentials, error) {
	name := spec.Name
	if strings.Contains(name, plan.UserName) {
		caller, err := d.Caller(ctx, plan.Call{Region: s.Region, Endpoint: s.Endpoint}, before)
		if err != nil {
			return aws.Credentials{}, err
		}
		user, ok := caller.User()
		if !ok {
			return aws.Credentials{}, &NotKeyError{Profile: s.Profile, Caller: caller.ARN}
		}
		name = FederatedName(strings.ReplaceAll(name, plan.UserName, user))
	}
	in := &sts.GetFederationTokenInput{Name: aws.String(name), DurationSeconds: seconds(s.Lasts)}
	in.Policy, in.PolicyArns = limits(s.Policy)
	var out *sts.GetFederationTokenOutput
	c := call{action: "GetFederationToken", about: name, step: s, before: before}
	err := d.do(ctx, c, func(ctx context.Context, client *sts.Client) (err error) {
		out, err = client.GetFederationToken(ctx, in)
		return err
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	creds, err := c.credentials(out.Credentials, nil)
	if err == nil && out.FederatedUser != nil {
		creds.AccountID = accountOf(aws.ToString(out.FederatedUser.Arn))
	}
	return creds, err
}

// The length that AWS wants of a federated user's name, in characters of an IAM user's.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
const (
	LeastFederatedName = 2
	MostFederatedName  = 32
)

// FederatedName is a user's name as that of a federated one. A name that does not fit ends
// in a hash of all of it, so that no two users become one.
func FederatedName(user string) string {
	if len(user) >= LeastFederatedName && len(user) <= MostFederatedName {
		return user
	}
	sum := sha256.Sum256([]byte(user))
	suffix := "-" + hex.EncodeToString(sum[:4])
	return user[:min(len(user), MostFederatedName-len(suffix))] + suffix
}
