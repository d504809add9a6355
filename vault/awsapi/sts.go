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
)

// STS is the Security Token Service at one target. The errors of its methods hold no secret and are one line long.
// AWS's refusal is an [*APIError]. Where ctx ends, its cause is returned.
type STS struct {
	Client *Client
	At     Target
}

// MFA is the code of a device that a call carries. AWS takes each code once, so that a call with one is sent once.
type MFA struct {
	Serial string // empty for none
	Code   string
}

// A Tag is one of a session.
type Tag struct{ Key, Value string }

// A Policy is what a session is limited to, besides what it is of.
type Policy struct {
	Inline string   // JSON text; empty for none
	ARNs   []string // managed policies
}

// A RoleRequest says which session of a role is asked for. What is empty is left to AWS.
type RoleRequest struct {
	Role           string // its ARN
	SessionName    string
	ExternalID     string
	SourceIdentity string
	Tags           []Tag
	TransitiveTags []string
	Lasts          time.Duration
	Policy         Policy
}

// AssumeRole returns the credentials of a role.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (s STS) AssumeRole(ctx context.Context, by aws.Credentials, r RoleRequest, m MFA) (aws.Credentials, error) {
	in := parameters{"RoleArn": {r.Role}, "RoleSessionName": {r.SessionName}}
	in.seconds("DurationSeconds", r.Lasts)
	in.set("ExternalId", r.ExternalID)
	in.set("SourceIdentity", r.SourceIdentity)
	for i, t := range r.Tags {
		in.set(member("Tags", i, "Key"), t.Key)
		in[member("Tags", i, "Value")] = []string{t.Value} // which may be empty
	}
	for i, key := range r.TransitiveTags {
		in.set(member("TransitiveTagKeys", i, ""), key)
	}
	in.limit(r.Policy)
	return s.session(ctx, call{action: "AssumeRole", about: r.Role, signer: by}, in, m)
}

// SessionToken returns a session of the user whose key signs.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func (s STS) SessionToken(ctx context.Context, by aws.Credentials, lasts time.Duration, m MFA) (aws.Credentials, error) {
	in := parameters{}
	in.seconds("DurationSeconds", lasts)
	return s.session(ctx, call{action: "GetSessionToken", signer: by}, in, m)
}

// FederationToken returns the credentials of a federated user.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
func (s STS) FederationToken(ctx context.Context, by aws.Credentials, name string, lasts time.Duration, p Policy) (aws.Credentials, error) {
	in := parameters{"Name": {name}}
	in.seconds("DurationSeconds", lasts)
	in.limit(p)
	return s.session(ctx, call{action: "GetFederationToken", about: name, signer: by}, in, MFA{})
}

// WebIdentity exchanges a token for the credentials of a role. Nobody signs the call. Of the request it looks at the
// role, the session's name and policy, and how long it lasts.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func (s STS) WebIdentity(ctx context.Context, token string, r RoleRequest) (aws.Credentials, error) {
	in := parameters{"RoleArn": {r.Role}, "RoleSessionName": {r.SessionName}, "WebIdentityToken": {token}}
	in.seconds("DurationSeconds", r.Lasts)
	in.limit(r.Policy)
	return s.session(ctx, call{action: "AssumeRoleWithWebIdentity", about: r.Role, secrets: []string{token}}, in, MFA{})
}

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

// session makes a call that returns credentials.
func (s STS) session(ctx context.Context, c call, in parameters, m MFA) (aws.Credentials, error) {
	if m.Serial != "" {
		c.once, c.secrets = true, append(c.secrets, m.Code)
		in.set("SerialNumber", m.Serial)
		in.set("TokenCode", m.Code)
	}
	var out given
	if err := s.call(ctx, c, in, &out); err != nil {
		return aws.Credentials{}, err
	}
	c.place = s.Place()
	return c.credentials(out)
}

// call makes a call whose result is read into out.
func (s STS) call(ctx context.Context, c call, in parameters, out any) error {
	c.place, c.retries = s.Place(), s.At.Endpoint.retries()
	var err error
	if c.at, err = stsAt(s.At); err != nil {
		return fmt.Errorf("%s at %s: %w", c.action, c.place, err)
	}
	if c.client, err = s.ready(); err != nil {
		return err
	}
	return s.Client.signed(ctx, c, s.At.Region, func(ctx context.Context) error {
		_, err := s.Client.query(ctx, c, versionSTS, url.Values(in), out)
		return err
	})
}

// Check says whether calls can be made, without making one: the endpoint is one, and its roots can be read.
func (s STS) Check() error {
	_, err := s.ready()
	return err
}

func (s STS) ready() (*http.Client, error) {
	if err := s.Client.CheckEndpoint(s.At.Endpoint); err != nil {
		return nil, err
	}
	return s.Client.Network.client(s.At.Endpoint.CABundle, formXML)
}

// Place names where the calls go, for errors: scheme and host, as far as they are known.
func (s STS) Place() string {
	if at, err := stsAt(s.At); err == nil {
		return siteOf(at.url)
	}
	return serviceSTS.place(s.At)
}

// Expect begins to read the roots that a call will want, while the caller opens what signs it. What goes wrong is
// left to the call.
func (s STS) Expect() {
	go func() {
		at, err := stsAt(s.At)
		if err != nil || !strings.HasPrefix(at.url, "https:") {
			return
		}
		bundle := s.At.Endpoint.CABundle
		if _, err := s.Client.Network.client(bundle, formXML); err == nil && bundle == "" {
			s.Client.Network.systemRoots()
		}
	}()
}

// A given is what STS says of a session.
type given struct {
	Credentials struct {
		ID      string     `xml:"AccessKeyId"`
		Secret  string     `xml:"SecretAccessKey"`
		Token   string     `xml:"SessionToken"`
		Expires *time.Time `xml:"Expiration"`
	}
	Role string `xml:"AssumedRoleUser>Arn"`
	User string `xml:"FederatedUser>Arn"`
}

// credentials turns what STS gives into what the SDK uses.
func (c call) credentials(g given) (aws.Credentials, error) {
	out := aws.Credentials{
		AccessKeyID: g.Credentials.ID, SecretAccessKey: g.Credentials.Secret, SessionToken: g.Credentials.Token,
		AccountID: AccountOf(g.Role + g.User), CanExpire: true,
	}
	if Flaw(out) != "" || out.SessionToken == "" || g.Credentials.Expires == nil {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", c.action, c.place)
	}
	out.Expires = *g.Credentials.Expires
	return out, nil
}

// Flaw says what is wrong with credentials that came from outside; empty for nothing.
// They become header fields and environment variables, where a line's end would begin
// something else.
func Flaw(c aws.Credentials) string {
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return "no AccessKeyId or no SecretAccessKey"
	}
	for _, text := range []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.AccountID} {
		for i := range len(text) {
			if !ascii.IsGraphic(text[i]) {
				return "a key with a blank or a character that is not ASCII"
			}
		}
	}
	return ""
}

// AccountOf returns the account in an ARN, or nothing.
func AccountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
