package source

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// A Caller is whom credentials speak for.
type Caller struct{ ARN, Account string }

// User returns the name of the IAM user that the caller is. Roles, federated users and the
// account's root are none.
func (c Caller) User() (string, bool) {
	_, path, ok := strings.Cut(c.ARN, ":user/")
	return path[strings.LastIndex(path, "/")+1:], ok
}

// Caller asks STS whom the credentials speak for. AWS answers that even where a policy
// denies everything. Errors are as those of [Deps.Make].
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (d *Deps) Caller(ctx context.Context, at plan.Call, creds aws.Credentials) (Caller, error) {
	var out struct {
		ARN     string `xml:"Arn"`
		Account string
	}
	c := call{action: "GetCallerIdentity", step: plan.Step{Region: at.Region, Endpoint: at.Endpoint}, before: creds}
	if err := d.do(ctx, c, parameters{}, &out); err != nil {
		return Caller{}, err
	}
	return Caller{ARN: c.clean(out.ARN), Account: c.clean(out.Account)}, nil
}
