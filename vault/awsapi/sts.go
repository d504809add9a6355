package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/ascii"
	"aws-vault/vault/partition"
)

// STS calls the Security Token Service. Its errors are one line long and contain no secrets. A refusal by AWS is an
// [*APIError]. If the context of a call ends, the call returns the context's cause.
type STS struct {
	Client *Client
	Target Target
}

// MFA holds the MFA device and the MFA code for a call. AWS accepts each code only once, so a failed call with a code
// is not retried. The only exception is a call that AWS refused because of a wrong time: that call did not use up the
// code.
type MFA struct {
	Serial string // serial number of the device; empty if the call has no code
	Code   string
}

// A Tag is a session tag.
type Tag struct{ Key, Value string }

// A Policy restricts what a session can do.
type Policy struct {
	Inline string   // policy in JSON; may be empty
	ARNs   []string // ARNs of managed policies
}

// A RoleRequest holds the parameters of a role's session. Role and SessionName are required. AWS uses its defaults for
// other fields that are empty.
type RoleRequest struct {
	Role           string // ARN of the role
	SessionName    string
	ExternalID     string
	SourceIdentity string
	Tags           []Tag
	TransitiveTags []string
	Duration       time.Duration
	Policy         Policy
}

// AssumeRole returns credentials of a role.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (s STS) AssumeRole(ctx context.Context, by aws.Credentials, r RoleRequest, m MFA) (aws.Credentials, error) {
	in := parameters{"RoleArn": {r.Role}, "RoleSessionName": {r.SessionName}}
	in.setSeconds("DurationSeconds", r.Duration)
	in.set("ExternalId", r.ExternalID)
	in.set("SourceIdentity", r.SourceIdentity)
	for i, t := range r.Tags {
		in.set(memberName("Tags", i, "Key"), t.Key)
		in[memberName("Tags", i, "Value")] = []string{t.Value} // unlike other parameters, a tag's value may be empty
	}
	for i, key := range r.TransitiveTags {
		in.set(memberName("TransitiveTagKeys", i, ""), key)
	}
	in.setPolicy(r.Policy)
	return s.session(ctx, call{action: "AssumeRole", resource: r.Role, signer: by}, in, m)
}

// SessionToken returns temporary credentials of the IAM user whose access key signs the call.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func (s STS) SessionToken(ctx context.Context, by aws.Credentials, duration time.Duration, m MFA) (aws.Credentials, error) {
	in := parameters{}
	in.setSeconds("DurationSeconds", duration)
	return s.session(ctx, call{action: "GetSessionToken", signer: by}, in, m)
}

// FederationToken returns credentials of a federated user.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
func (s STS) FederationToken(ctx context.Context, by aws.Credentials, name string, duration time.Duration, p Policy) (aws.Credentials, error) {
	in := parameters{"Name": {name}}
	in.setSeconds("DurationSeconds", duration)
	in.setPolicy(p)
	return s.session(ctx, call{action: "GetFederationToken", resource: name, signer: by}, in, MFA{})
}

// WebIdentity exchanges an OIDC token for credentials of a role. The call is not signed. WebIdentity uses only the
// role, the session name, the policy and the duration in r.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func (s STS) WebIdentity(ctx context.Context, token string, r RoleRequest) (aws.Credentials, error) {
	in := parameters{"RoleArn": {r.Role}, "RoleSessionName": {r.SessionName}, "WebIdentityToken": {token}}
	in.setSeconds("DurationSeconds", r.Duration)
	in.setPolicy(r.Policy)
	return s.session(ctx, call{action: "AssumeRoleWithWebIdentity", resource: r.Role, secrets: []string{token}}, in, MFA{})
}

// A Caller is the AWS identity that credentials belong to.
type Caller struct{ ARN, Account string }

// User returns the user name of the caller if the caller is an IAM user. It returns false for a role, a federated
// user and the account's root user.
func (c Caller) User() (string, bool) {
	_, path, ok := strings.Cut(c.ARN, ":user/")
	return path[strings.LastIndex(path, "/")+1:], ok
}

// Caller returns the identity that the credentials belong to. AWS allows this call even if a policy denies everything.
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

// session makes a call that returns credentials.
func (s STS) session(ctx context.Context, c call, in parameters, m MFA) (aws.Credentials, error) {
	if m.Serial != "" {
		c.once, c.secrets = true, append(c.secrets, m.Code)
		in.set("SerialNumber", m.Serial)
		in.set("TokenCode", m.Code)
	}
	var out stsResult
	if err := s.call(ctx, c, in, &out); err != nil {
		return aws.Credentials{}, err
	}
	c.endpoint = s.EndpointName()
	return c.credentials(out)
}

// call makes a call and decodes its result into out.
func (s STS) call(ctx context.Context, c call, in parameters, out any) error {
	c.endpoint, c.retries = s.EndpointName(), s.Target.Endpoint.retries()
	var err error
	if c.address, err = stsAddress(s.Target); err != nil {
		return fmt.Errorf("%s at %s: %w", c.action, c.endpoint, err)
	}
	if c.client, err = s.checkedClient(); err != nil {
		return err
	}
	return s.Client.signed(ctx, c, s.Target.Region, func(ctx context.Context) error {
		_, err := s.Client.query(ctx, c, versionSTS, url.Values(in), out)
		return err
	})
}

// Check reports whether the endpoint is valid and its CA bundle can be read. It sends nothing.
func (s STS) Check() error {
	_, err := s.checkedClient()
	return err
}

func (s STS) checkedClient() (*http.Client, error) {
	if err := s.Client.CheckEndpoint(s.Target.Endpoint); err != nil {
		return nil, err
	}
	return s.Client.Network.client(s.Target.Endpoint.CABundle, formXML)
}

// EndpointName returns the endpoint's name for errors: its scheme and host if they are known.
func (s STS) EndpointName() string {
	if at, err := stsAddress(s.Target); err == nil {
		return baseOf(at.url)
	}
	return serviceSTS.endpointName(s.Target)
}

// PreloadRoots starts to read the root certificates for the next call, in the background. It ignores errors, because
// the call itself will report them.
func (s STS) PreloadRoots() {
	go func() {
		at, err := stsAddress(s.Target)
		if err != nil || !strings.HasPrefix(at.url, "https:") {
			return
		}
		bundle := s.Target.Endpoint.CABundle
		if _, err := s.Client.Network.client(bundle, formXML); err == nil && bundle == "" {
			s.Client.Network.systemRoots()
		}
	}()
}

// stsResult is the result of an STS action that returns credentials.
type stsResult struct {
	Credentials struct {
		ID      string     `xml:"AccessKeyId"`
		Secret  string     `xml:"SecretAccessKey"`
		Token   string     `xml:"SessionToken"`
		Expires *time.Time `xml:"Expiration"`
	}
	Role string `xml:"AssumedRoleUser>Arn"`
	User string `xml:"FederatedUser>Arn"`
}

// credentials converts a result of STS. It fails if the result has no valid credentials.
func (c call) credentials(g stsResult) (aws.Credentials, error) {
	out := aws.Credentials{
		AccessKeyID: g.Credentials.ID, SecretAccessKey: g.Credentials.Secret, SessionToken: g.Credentials.Token,
		AccountID: partition.AccountOf(g.Role + g.User), CanExpire: true,
	}
	if InvalidReason(out) != "" || out.SessionToken == "" || g.Credentials.Expires == nil {
		return aws.Credentials{}, fmt.Errorf("%s: no credentials in the response from %s", c.action, c.endpoint)
	}
	out.Expires = *g.Credentials.Expires
	return out, nil
}

// InvalidReason returns what is wrong with credentials from an external source, or "" if they are valid. Credentials
// are written to HTTP headers and environment variables, where a line break could add a header or variable.
func InvalidReason(c aws.Credentials) string {
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return "no AccessKeyId or no SecretAccessKey"
	}
	for _, text := range []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.AccountID} {
		for i := range len(text) {
			if !ascii.IsGraphic(text[i]) {
				return "a key with a space or a non-ASCII character"
			}
		}
	}
	return ""
}
