package awsapi

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Caller is whom credentials speak for.
type Caller struct{ ARN, Account string }

// User returns the name of the IAM user that the caller is. Roles, federated users and the
// account's root are none.
func (c Caller) User() (string, bool) {
	_, path, ok := strings.Cut(c.ARN, ":user/")
	return path[strings.LastIndex(path, "/")+1:], ok
}

// Caller asks whom the credentials speak for. AWS answers that even where a policy
// denies everything.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (s STS) Caller(ctx context.Context, by aws.Credentials) (Caller, error) {
	var out struct {
		ARN     string `xml:"Arn"`
		Account string
	}
	c := call{action: "GetCallerIdentity", signer: by}
	if err := s.call(ctx, c, parameters{}, &out); err != nil {
		return Caller{}, err
	}
	return Caller{ARN: c.clean(out.ARN), Account: c.clean(out.Account)}, nil
}
