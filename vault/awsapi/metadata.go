package awsapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// rolesPath lists the instance's role, and has its credentials below.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
const rolesPath = "/iam/security-credentials/"

// silence is how long the metadata service may take to begin its answer. A packet that may not leave the instance's
// own network stack is dropped, so that in a container silence says that there is no token to be had.
const silence = 2 * time.Second

// Metadata says how an EC2 instance is asked about itself.
type Metadata struct {
	URL   *url.URL
	MayV1 bool     // the service's first version, which wants no token, may be spoken
	Tries Endpoint // its MaxAttempts and RetryMode alone
}

// Instance asks the EC2 instance for the credentials of its role, which may be none; see [Flaw]. Errors name them as
// what.
func (api *Client) Instance(ctx context.Context, what string, at Metadata) (aws.Credentials, error) {
	hc := &nearbyHTTP{client: near(nil, silence), check: checkInstance}
	fallback := aws.FalseTernary
	if at.MayV1 {
		fallback = aws.TrueTernary
	}
	i := instance{api: api, http: hc, retries: at.Tries.retries(), client: imds.New(imds.Options{
		Endpoint: at.URL.String(), HTTPClient: hc, EnableFallback: fallback,
		ClientEnableState: imds.ClientEnabled, // the environment is read elsewhere
		Retryer:           aws.NopRetryer{},   // see get
	})}
	return api.nearby(ctx, call{action: what, place: Site(at.URL)}, i.credentials)
}

// An instance is one that is asked about itself.
type instance struct {
	api     *Client
	client  *imds.Client
	http    *nearbyHTTP
	retries retries
}

func (i instance) credentials(ctx context.Context) (aws.Credentials, error) {
	roles, err := i.get(ctx, rolesPath)
	if err != nil {
		return aws.Credentials{}, err
	}
	role, _, _ := strings.Cut(strings.TrimSpace(string(roles)), "\n")
	if role = strings.TrimSpace(role); role == "" {
		return aws.Credentials{}, errNoCredentials
	}
	got, err := i.get(ctx, rolesPath+role)
	if err != nil {
		return aws.Credentials{}, err
	}
	return readCredentials(got)
}

// get reads one path. Tries are counted here and not by the SDK's client, which would also ask for a token three times
// where nobody answers.
func (i instance) get(ctx context.Context, path string) (body []byte, err error) {
	err = i.api.try(ctx, i.retries, false, func() error {
		out, err := i.client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
		switch {
		case i.http.failed != nil:
			return i.http.failed
		case err != nil:
			return err
		}
		body, err = io.ReadAll(out.Content)
		return err
	})
	return body, err
}

// checkInstance reads no message: what is sent with a refusal is a page.
func checkInstance(resp *http.Response, _ []byte) error {
	switch no := (&refusal{status: resp.StatusCode}); {
	case isSuccess(resp):
		return nil
	case resp.StatusCode == http.StatusUnauthorized:
		return &staleError{no}
	default:
		return no
	}
}

// A staleError is a refusal for want of a token that is good. The SDK's client then fetches one, even where it had
// gone without after silence.
type staleError struct{ no *refusal }

func (e *staleError) Error() string { return e.no.Error() }

func (e *staleError) Unwrap() error { return e.no }

// RetryableError is what the SDK's retryer asks.
func (e *staleError) RetryableError() bool { return true }

// readCredentials reads what EC2 answers with.
func readCredentials(body []byte) (aws.Credentials, error) {
	var said struct {
		Code, Message          string // of EC2, which refuses with a success
		AccessKeyID            string `json:"AccessKeyId"`
		SecretAccessKey, Token string
		Expiration             *time.Time
		AccountID              string `json:"AccountId"`
	}
	if json.Unmarshal(body, &said) != nil {
		return aws.Credentials{}, errNoCredentials
	}
	if said.Code != "" && said.Code != "Success" {
		return aws.Credentials{}, &refusal{status: http.StatusOK, code: said.Code, message: said.Message}
	}
	c := aws.Credentials{AccessKeyID: said.AccessKeyID, SecretAccessKey: said.SecretAccessKey, SessionToken: said.Token, AccountID: said.AccountID}
	if said.Expiration != nil {
		c.CanExpire, c.Expires = true, *said.Expiration
	}
	return c, nil
}
