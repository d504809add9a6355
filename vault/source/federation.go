package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// FederationCallerError reports that a federated user cannot be named after the caller, because the caller is
// not an IAM user.
type FederationCallerError struct{ Profile, Caller string }

func (e *FederationCallerError) Error() string {
	return fmt.Sprintf("the key of profile %s belongs to %s, expected an IAM user, because the federated user gets the name of the IAM user", e.Profile, e.Caller)
}

func federationToken(ctx context.Context, service awsapi.STS, s plan.Step, spec plan.FederationToken, before aws.Credentials) (aws.Credentials, error) {
	name := spec.Name
	if strings.Contains(name, plan.UserName) {
		caller, err := service.Caller(ctx, before)
		if err != nil {
			return aws.Credentials{}, err
		}
		user, ok := caller.User()
		if !ok {
			return aws.Credentials{}, &FederationCallerError{Profile: s.Profile, Caller: caller.ARN}
		}
		name = FederatedName(strings.ReplaceAll(name, plan.UserName, user))
	}
	return service.FederationToken(ctx, before, name, s.Duration, awsapi.Policy(s.Policy))
}

// Limits for the length of a federated user's name, in characters.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
const (
	MinFederatedName = 2
	MaxFederatedName = 32
)

// FederatedName returns a federated user's name for an IAM user's name. If the name is too short or too long,
// the result ends in a hash of the whole name, to avoid the same result for two users.
func FederatedName(user string) string {
	if len(user) >= MinFederatedName && len(user) <= MaxFederatedName {
		return user
	}
	sum := sha256.Sum256([]byte(user))
	suffix := "-" + hex.EncodeToString(sum[:4])
	return user[:min(len(user), MaxFederatedName-len(suffix))] + suffix
}
