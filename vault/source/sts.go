package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"aws-vault/vault/plan"
)

// A call is one action of AWS's, asked for a step or with what a step gave.
type call struct {
	action  string
	about   string // what it acts on, for errors; may be empty
	place   string // where it goes, for errors
	step    plan.Step
	before  aws.Credentials // who signs; the SDK signs no call that AWS takes unsigned
	secret  string          // the token or code that it carries; empty for none
	secrets []string        // others that it carries
	once    bool            // it must not be sent twice, for it carries a code
}

// do makes a call to STS.
func (d *Deps) do(ctx context.Context, c call, act func(context.Context, *sts.Client) error) error {
	c.place = place(c.step)
	return d.attempt(ctx, c, func(ctx context.Context, hc *http.Client) error { return act(ctx, d.sts(c, hc)) })
}

// attempt makes the call within the deadline. Where AWS refuses the signature because this
// computer's clock is wrong, the clock is corrected and the call is made once more, even
// with a code: AWS looks at nothing else of a call whose signature it refuses.
func (d *Deps) attempt(ctx context.Context, c call, act func(context.Context, *http.Client) error) error {
	hc, err := d.prepare(c)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, d.timeout(), errDeadline)
	defer cancel()
	skew, began := d.Clock.Skew(), d.Clock.Local()
	err = act(limited, hc)
	if d.corrected(skew, err) {
		err = act(limited, hc)
	}
	d.debug("called AWS", "action", c.action, "about", c.about, "region", c.step.Region,
		"took", d.Clock.Local().Sub(began), "error", outcome(err))
	return d.explain(limited, c, err)
}

// prepare says whether the call may go where the step sends it, and by what client. It
// sends nothing.
func (d *Deps) prepare(c call) (*http.Client, error) {
	if err := d.checkEndpoint(c.step.Endpoint); err != nil {
		return nil, err
	}
	return d.client(c.step.Endpoint)
}

func outcome(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return "no answer"
}

func (d *Deps) sts(c call, hc *http.Client) *sts.Client {
	o := sts.Options{
		Region: c.step.Region, HTTPClient: hc, AppID: "aws-vault",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c.before, nil }),
		// The signer has a clock of its own that knows how wrong the computer's is.
		HTTPSignerV4: &signer{v4.NewSigner(), d.Clock}, DisableClockSkewCorrection: true,
		Retryer: d.retryer(),
	}
	if c.once {
		o.Retryer = aws.NopRetryer{}
	}
	e := c.step.Endpoint
	if e.FIPS {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if e.DualStack {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	switch {
	case e.URL != "":
		o.BaseEndpoint = aws.String(e.URL)
	case global(c.step):
		o.BaseEndpoint, o.Region = aws.String(globalURL), globalRegion
	}
	return sts.New(o)
}

// retryer tries a call up to three times.
func (d *Deps) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = 3, 5*time.Second
		if d.Backoff != nil {
			o.Backoff = retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) { return d.Backoff(attempt, err), nil })
		}
	})
}

// credentials turns what STS gives into what the SDK uses.
func (c call) credentials(given *types.Credentials, user *types.AssumedRoleUser) (aws.Credentials, error) {
	if given == nil || given.Expiration == nil {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", c.action, place(c.step))
	}
	out := aws.Credentials{
		AccessKeyID: aws.ToString(given.AccessKeyId), SecretAccessKey: aws.ToString(given.SecretAccessKey),
		SessionToken: aws.ToString(given.SessionToken), CanExpire: true, Expires: *given.Expiration,
	}
	if wrong := flaw(out); wrong != "" || out.SessionToken == "" {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", c.action, place(c.step))
	}
	if user != nil {
		out.AccountID = accountOf(aws.ToString(user.Arn))
	}
	return out, nil
}

// flaw says what is wrong with credentials that came from outside; empty for nothing.
// They become header fields and environment variables, where a line's end would begin
// something else.
func flaw(c aws.Credentials) string {
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return "no AccessKeyId or no SecretAccessKey"
	}
	for _, text := range []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.AccountID} {
		for i := range len(text) {
			if text[i] <= ' ' || text[i] > '~' {
				return "a key with a blank or a character that is not ASCII"
			}
		}
	}
	return ""
}
