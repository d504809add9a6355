package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"aws-vault/vault/plan"
)

// AccessKeys are the keys of one IAM user, as IAM tells and changes them. Its methods'
// errors are as those of [Deps.Make]; none of them shows a key's id.
type AccessKeys struct {
	Deps  *Deps
	At    plan.Call
	User  string          // the user's name
	Creds aws.Credentials // who calls
}

// An AccessKey is what IAM lists of a key.
type AccessKey struct {
	ID      string
	Active  bool
	Created time.Time // by AWS's clock, to the second
}

// List returns the user's keys, and the time by AWS's clock at which it listed them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
func (k AccessKeys) List(ctx context.Context) (keys []AccessKey, at time.Time, err error) {
	var out *iam.ListAccessKeysOutput
	err = k.call(ctx, call{action: "ListAccessKeys"}, func(ctx context.Context, client *iam.Client) (err error) {
		out, err = client.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String(k.User)})
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, m := range out.AccessKeyMetadata {
		keys = append(keys, AccessKey{ID: aws.ToString(m.AccessKeyId), Active: m.Status == types.StatusTypeActive, Created: aws.ToTime(m.CreateDate)})
	}
	at, ok := middleware.GetServerTime(out.ResultMetadata)
	if !ok {
		at = k.Deps.Clock.Now()
	}
	return keys, at, nil
}

// Create makes a new key. It is asked for once: an answer that is lost may have made one,
// whose secret nobody has; see [Unsure].
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
func (k AccessKeys) Create(ctx context.Context) (aws.Credentials, error) {
	var out *iam.CreateAccessKeyOutput
	err := k.call(ctx, call{action: "CreateAccessKey", once: true}, func(ctx context.Context, client *iam.Client) (err error) {
		out, err = client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(k.User)})
		return err
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	if out.AccessKey == nil {
		return aws.Credentials{}, fmt.Errorf("CreateAccessKey: %s answered without a key", k.place())
	}
	made := aws.Credentials{AccessKeyID: aws.ToString(out.AccessKey.AccessKeyId), SecretAccessKey: aws.ToString(out.AccessKey.SecretAccessKey)}
	if wrong := flaw(made); wrong != "" {
		return aws.Credentials{}, fmt.Errorf("CreateAccessKey: %s answered with %s", k.place(), wrong)
	}
	return made, nil
}

// Activate lets a key be used, or forbids it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
func (k AccessKeys) Activate(ctx context.Context, id string, active bool) error {
	status := types.StatusTypeInactive
	if active {
		status = types.StatusTypeActive
	}
	return k.call(ctx, call{action: "UpdateAccessKey", secret: id}, func(ctx context.Context, client *iam.Client) error {
		_, err := client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String(k.User), AccessKeyId: aws.String(id), Status: status})
		return err
	})
}

// Delete deletes a key for good.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
func (k AccessKeys) Delete(ctx context.Context, id string) error {
	return k.call(ctx, call{action: "DeleteAccessKey", secret: id}, func(ctx context.Context, client *iam.Client) error {
		_, err := client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String(k.User), AccessKeyId: aws.String(id)})
		return err
	})
}

// LastUsed returns when a key was last used, and for which service; the zero time means
// that it never was.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
func (k AccessKeys) LastUsed(ctx context.Context, id string) (at time.Time, service string, err error) {
	var out *iam.GetAccessKeyLastUsedOutput
	c := call{action: "GetAccessKeyLastUsed", secret: id}
	err = k.call(ctx, c, func(ctx context.Context, client *iam.Client) (err error) {
		out, err = client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(id)})
		return err
	})
	if err != nil {
		return time.Time{}, "", err
	}
	used := out.AccessKeyLastUsed
	if used == nil {
		return time.Time{}, "", fmt.Errorf("GetAccessKeyLastUsed: %s answered without a last use", k.place())
	}
	return aws.ToTime(used.LastUsedDate), c.clean(aws.ToString(used.ServiceName)), nil
}

// Unsure reports whether AWS may have done what it was asked although err came back. Only
// a refusal says that it has not.
func Unsure(err error) bool {
	var api *APIError
	return err != nil && !(errors.As(err, &api) && api.Status >= http.StatusBadRequest && api.Status < http.StatusInternalServerError)
}

func (k AccessKeys) call(ctx context.Context, c call, act func(context.Context, *iam.Client) error) error {
	c.about, c.before, c.place = "user "+k.User, k.Creds, k.place()
	c.step = plan.Step{Region: k.At.Region, Endpoint: k.At.Endpoint}
	return k.Deps.attempt(ctx, c, func(ctx context.Context, hc *http.Client) error { return act(ctx, k.client(c, hc)) })
}

func (k AccessKeys) client(c call, hc *http.Client) *iam.Client {
	o := iam.Options{
		Region: k.At.Region, HTTPClient: hc, AppID: "aws-vault",
		Credentials:  aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return k.Creds, nil }),
		HTTPSignerV4: &signer{v4.NewSigner(), k.Deps.Clock}, DisableClockSkewCorrection: true,
		Retryer: k.Deps.retryer(),
	}
	if c.once {
		o.Retryer = aws.NopRetryer{}
	}
	e := k.At.Endpoint
	if e.FIPS {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if e.DualStack {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	if e.URL != "" {
		o.BaseEndpoint = aws.String(e.URL)
	}
	return iam.New(o)
}

// place names where the calls go, as place does for STS.
func (k AccessKeys) place() string {
	e := k.At.Endpoint
	if e.URL != "" {
		if u, err := url.Parse(e.URL); err == nil {
			return site(u)
		}
	}
	p := iam.EndpointParameters{Region: aws.String(k.At.Region), UseFIPS: aws.Bool(e.FIPS), UseDualStack: aws.Bool(e.DualStack)}
	if e, err := iam.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), p); err == nil {
		return site(&e.URI)
	}
	return "IAM in " + k.At.Region
}
