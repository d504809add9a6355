// Package console creates links that sign a browser in to the AWS console.
package console

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/partition"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
)

// A site is the console of a partition.
type site struct {
	partition, console string
	signInRegion       string // region in the sign-in host; empty if one host serves the whole partition
}

// signInHost returns the host of the federation endpoint.
func (s site) signInHost() string {
	if s.signInRegion != "" {
		return s.signInRegion + "." + partition.SignInDomain(s.partition)
	}
	return partition.SignInDomain(s.partition)
}

// sites lists the partitions whose console accepts a sign-in with temporary credentials.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
var sites = []site{
	{"aws", "console.aws.amazon.com", ""},
	{"aws-cn", "console.amazonaws.cn", ""},
	{"aws-us-gov", "console.amazonaws-us-gov.com", ""},
	{"aws-eusc", "console.amazonaws-eusc.eu", "eusc-de-east-1"},
}

// NoConsoleError reports a partition whose console does not accept a sign-in with temporary credentials.
type NoConsoleError struct{ Partition string }

func (e *NoConsoleError) Error() string {
	return fmt.Sprintf("the partition is %q, expected one with a known console: aws, aws-cn, aws-us-gov or aws-eusc", e.Partition)
}

// TemporaryUserError reports temporary credentials of an IAM user, which the console does not accept.
type TemporaryUserError struct {
	Profile string // empty if the credentials come from the environment
	Caller  string // ARN of the IAM user
}

func (e *TemporaryUserError) Error() string {
	description := fmt.Sprintf("the credentials of profile %s", printable.Quote(e.Profile))
	if e.Profile == "" {
		description = "the credentials in the environment"
	}
	return fmt.Sprintf("%s are temporary credentials of %s; the console accepts only credentials of a role or a federated user", description, e.Caller)
}

// A Session holds the credentials for a console sign-in, and the identity that they belong to.
type Session struct {
	awsapi.Caller
	credentials aws.Credentials
}

// Expires returns when the credentials expire. A console session may last longer: see [plan.Call].
func (v Session) Expires() time.Time { return v.credentials.Expires }

// IsFederatedUser reports whether the session belongs to a federated user. Such a session has no MFA.
func (v Session) IsFederatedUser() bool { return strings.Contains(v.ARN, ":federated-user/") }

// minRemaining is the validity that NewSession requests. It is longer than half the lifetime of any session.
// [vault.Vault.Credentials] therefore renews a cached session that has less than half of its lifetime left.
const minRemaining = 36 * time.Hour

// NewSession carries out a plan that was made for [plan.Console], and looks up the identity of the resulting
// credentials. It fails with a [*TemporaryUserError], or with an error of [vault.Vault.Credentials] or of AWS.
func NewSession(ctx context.Context, v *vault.Vault, pl plan.Plan, o plan.Options) (Session, error) {
	creds, err := v.Credentials(ctx, pl, o, minRemaining)
	if err != nil {
		return Session{}, err
	}
	caller, err := v.Source.STS(pl.Call("sts")).Caller(ctx, creds)
	if err != nil {
		return Session{}, err
	}
	if strings.Contains(caller.ARN, ":assumed-role/") || strings.Contains(caller.ARN, ":federated-user/") {
		return Session{caller, creds}, nil
	}
	if creds.SessionToken != "" {
		return Session{}, &TemporaryUserError{Profile: pl.Profile, Caller: caller.ARN}
	}
	// The credentials are a user's access key, which a program in the plan returned. The console does not accept an
	// access key, so a federation session is created from it.
	if creds, err = v.Source.Create(ctx, pl.Federation(o.FederatedName), creds); err != nil {
		return Session{}, err
	}
	caller, err = v.Source.STS(pl.Call("sts")).Caller(ctx, creds)
	return Session{caller, creds}, err
}

// A Destination is the console page to open.
type Destination struct {
	Path   string // path within the console; empty for the home page
	Region string // region to show; ignored if Path has a region, or if this region is not in the session's partition
	Logout bool   // whether to sign out of the console first
}

// SignInURL returns a URL that signs a browser in to the console. The URL can be used once, within 15 min, by anyone
// who has it. SignInURL fails with a [*NoConsoleError], or with an error of [awsapi.Client.SignInToken].
func SignInURL(ctx context.Context, v *vault.Vault, pl plan.Plan, session Session, to Destination) (string, error) {
	s, err := siteForARN(session.ARN)
	if err != nil {
		return "", err
	}
	base, at := "https://"+s.signInHost(), pl.Call("signin")
	if at.Endpoint.URL != "" {
		base = strings.TrimSuffix(at.Endpoint.URL, "/")
	}
	at.Endpoint.URL = base + "/federation"
	token, err := v.Source.AWS.SignInToken(ctx, awsapi.Endpoint(at.Endpoint), session.credentials, at.Duration)
	if err != nil {
		return "", err
	}
	login := at.Endpoint.URL + "?" + url.Values{
		"Action": {"login"}, "Issuer": {"aws-vault"}, "Destination": {s.page(to)}, "SigninToken": {token},
	}.Encode()
	if !to.Logout {
		return login, nil
	}
	return s.logout(base) + "?" + url.Values{"Action": {"logout"}, "redirect_uri": {login}}.Encode(), nil
}

func siteForARN(arn string) (site, error) {
	_, rest, _ := strings.Cut(arn, ":")
	partition, _, _ := strings.Cut(rest, ":")
	for _, s := range sites {
		if s.partition == partition {
			return s, nil
		}
	}
	return site{}, &NoConsoleError{Partition: partition}
}

// page returns the URL of the console page for a destination.
func (s site) page(to Destination) string {
	path, fragment, _ := strings.Cut(strings.TrimLeft(to.Path, "/"), "#")
	host, query := s.console, ""
	switch own, hasRegion := regionInPath(path); {
	case hasRegion && s.hasRegion(own):
		host = own + "." + s.console
	case !hasRegion && s.hasRegion(to.Region):
		host, query = to.Region+"."+s.console, "region="+url.QueryEscape(to.Region)
	}
	if path == "" && query != "" {
		path = "console/home"
	}
	address := "https://" + host + "/" + path
	switch {
	case query != "" && strings.Contains(path, "?"):
		address += "&" + query
	case query != "":
		address += "?" + query
	}
	if fragment != "" {
		address += "#" + fragment
	}
	return address
}

// hasRegion reports whether the console of the site has a host for the region.
func (s site) hasRegion(region string) bool {
	return awsapi.IsDNSLabel(region) && !partition.IsPseudo(region) && partition.Of(region) == s.partition
}

// regionInPath returns the region in the query of a console path, and whether there is one. A path that was copied from
// the console has a region.
func regionInPath(path string) (string, bool) {
	_, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	return values.Get("region"), err == nil && values.Has("region")
}

// logout returns the URL that signs out of the console. In the partition aws, it uses the host of us-east-1: this is
// the only regional host that is known to redirect the browser after the sign-out.
func (s site) logout(base string) string {
	if s.partition == "aws" && base == "https://"+s.signInHost() {
		return "https://us-east-1." + s.signInHost() + "/oauth"
	}
	return base + "/oauth"
}
