package source

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aws-vault/vault/plan"
)

// A Caller is whom AWS takes credentials for.
type Caller struct{ ARN, Account string }

// Caller asks AWS whose the credentials are. No permission is needed for that, so a
// refusal means that they do not work. It fails as Make does.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (d *Deps) Caller(ctx context.Context, region string, e plan.Endpoint, creds aws.Credentials) (Caller, error) {
	c := call{action: "GetCallerIdentity", step: plan.Step{Region: region, Endpoint: e}, before: creds}
	var out *sts.GetCallerIdentityOutput
	err := d.do(ctx, c, func(ctx context.Context, client *sts.Client) (err error) {
		out, err = client.GetCallerIdentity(ctx, nil)
		return err
	})
	if err != nil {
		return Caller{}, err
	}
	who := Caller{ARN: c.clean(aws.ToString(out.Arn)), Account: c.clean(aws.ToString(out.Account))}
	if who.ARN == "" {
		return Caller{}, fmt.Errorf("%s: %s answered without an ARN", c.action, place(c.step))
	}
	return who, nil
}
