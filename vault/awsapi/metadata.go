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

// rolesPath is the path under which the service returns the name of the instance's role. The path of the role's
// credentials is rolesPath followed by the name of the role.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
const rolesPath = "/iam/security-credentials/"

// metadataTimeout limits the wait for a response of the metadata service. In a container, the response to a token
// request may never arrive, because EC2 sends the response with a low hop limit. If the token request times out and
// IMDSv1 is allowed, the SDK's client continues without a token.
const metadataTimeout = 2 * time.Second

// InstanceMetadata holds the settings of the EC2 instance metadata service.
type InstanceMetadata struct {
	URL     *url.URL
	AllowV1 bool     // whether IMDSv1, which needs no token, is allowed
	Retries Endpoint // only MaxAttempts and RetryMode are used
}

// InstanceCredentials requests the credentials of the EC2 instance's role. The caller must check the credentials with
// [InvalidReason]. Error texts begin with label.
func (api *Client) InstanceCredentials(ctx context.Context, label string, at InstanceMetadata) (aws.Credentials, error) {
	hc := &localHTTP{client: localClient(nil, metadataTimeout), check: checkInstance}
	fallback := aws.FalseTernary
	if at.AllowV1 {
		fallback = aws.TrueTernary
	}
	i := instance{api: api, http: hc, retries: at.Retries.retries(), client: imds.New(imds.Options{
		Endpoint: at.URL.String(), HTTPClient: hc, EnableFallback: fallback,
		ClientEnableState: imds.ClientEnabled, // the caller has already checked AWS_EC2_METADATA_DISABLED
		Retryer:           aws.NopRetryer{},   // the method instance.get repeats requests instead
	})}
	return api.localCredentials(ctx, call{action: label, endpoint: BaseOf(at.URL)}, i.credentials)
}

// An instance calls the metadata service of the EC2 instance.
type instance struct {
	api     *Client
	client  *imds.Client
	http    *localHTTP
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

// get reads one path of the metadata service. get itself repeats failed requests. The retryer of the SDK's client
// would also repeat token requests: it would request a token three times from a service that does not respond.
func (i instance) get(ctx context.Context, path string) (body []byte, err error) {
	err = i.api.try(ctx, i.retries, false, func() error {
		out, err := i.client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
		switch {
		case i.http.lastErr != nil:
			return i.http.lastErr
		case err != nil:
			return err
		}
		body, err = io.ReadAll(out.Content)
		return err
	})
	return body, err
}

// checkInstance returns an error for an error response. It ignores the body of such a response, which is an HTML page.
func checkInstance(resp *http.Response, _ []byte) error {
	switch refused := (&refusal{status: resp.StatusCode}); {
	case isSuccess(resp):
		return nil
	case resp.StatusCode == http.StatusUnauthorized:
		return &tokenRequiredError{refused}
	default:
		return refused
	}
}

// A tokenRequiredError reports that the service refused a request because it had no valid token. After this error, the
// SDK's client requests a token, even if an earlier token request timed out.
type tokenRequiredError struct{ refusal *refusal }

func (e *tokenRequiredError) Error() string { return e.refusal.Error() }

func (e *tokenRequiredError) Unwrap() error { return e.refusal }

// RetryableError tells the SDK's retryer to try again.
func (e *tokenRequiredError) RetryableError() bool { return true }

// readCredentials reads the credentials in a response of the metadata service.
func readCredentials(body []byte) (aws.Credentials, error) {
	var response struct {
		Code, Message          string // error that EC2 reports in a response with status 200
		AccessKeyID            string `json:"AccessKeyId"`
		SecretAccessKey, Token string
		Expiration             *time.Time
		AccountID              string `json:"AccountId"`
	}
	if json.Unmarshal(body, &response) != nil {
		return aws.Credentials{}, errNoCredentials
	}
	if response.Code != "" && response.Code != "Success" {
		return aws.Credentials{}, &refusal{status: http.StatusOK, code: response.Code, message: response.Message}
	}
	c := aws.Credentials{AccessKeyID: response.AccessKeyID, SecretAccessKey: response.SecretAccessKey, SessionToken: response.Token, AccountID: response.AccountID}
	if response.Expiration != nil {
		c.CanExpire, c.Expires = true, *response.Expiration
	}
	return c, nil
}
