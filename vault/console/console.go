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
)

// A site is where a partition of AWS has its console.
type site struct {
	partition, console string
	signInRegion       string // the region whose host signs in; empty where the partition has a host for all
}

// signIn is where one signs in to it.
func (s site) signIn() string {
	if s.signInRegion != "" {
		return s.signInRegion + "." + partition.SignIn(s.partition)
	}
	return partition.SignIn(s.partition)
}

// sites are the partitions whose console can be signed in to from outside.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
var sites = []site{
	{"aws", "console.aws.amazon.com", ""},
	{"aws-cn", "console.amazonaws.cn", ""},
	{"aws-us-gov", "console.amazonaws-us-gov.com", ""},
	{"aws-eusc", "console.amazonaws-eusc.eu", "eusc-de-east-1"},
}

// NoConsoleError is returned for a partition whose console this program does not know.
type NoConsoleError struct{ Partition string }

func (e *NoConsoleError) Error() string {
	return fmt.Sprintf("the partition is %q, want one whose console is known: aws, aws-cn, aws-us-gov or aws-eusc", e.Partition)
}

// TemporaryUserError is returned for credentials that no console takes.
type TemporaryUserError struct {
	Profile string // empty for the environment
	Caller  string // the user's ARN
}

func (e *TemporaryUserError) Error() string {
	whose := fmt.Sprintf("the credentials of profile %q", e.Profile)
	if e.Profile == "" {
		whose = "the credentials in the environment"
	}
	return fmt.Sprintf("%s are temporary ones of %s, and the console takes such of a role or a federated user only", whose, e.Caller)
}

// A Visitor is whom the console is signed in as.
type Visitor struct {
	awsapi.Caller
	credentials aws.Credentials
}

// Federated reports whether the visitor is a federated user, who has shown no MFA code.
func (v Visitor) Federated() bool { return strings.Contains(v.ARN, ":federated-user/") }

// halfLife is more than any credentials need have left; of those that are kept, half their
// life then counts.
const halfLife = 36 * time.Hour

// Visit carries out a plan that was made for [plan.Console], and asks AWS whose
// credentials came of it. Besides the errors of [Vault.Credentials], it returns a
// [*TemporaryUserError].
func Visit(ctx context.Context, v *vault.Vault, pl plan.Plan, o plan.Options) (Visitor, error) {
	creds, err := v.Credentials(ctx, pl, o, halfLife)
	if err != nil {
		return Visitor{}, err
	}
	who, err := v.Source.STS(pl.Call("sts")).Caller(ctx, creds)
	if err != nil {
		return Visitor{}, err
	}
	if strings.Contains(who.ARN, ":assumed-role/") || strings.Contains(who.ARN, ":federated-user/") {
		return Visitor{who, creds}, nil
	}
	if creds.SessionToken != "" {
		return Visitor{}, &TemporaryUserError{Profile: pl.Profile, Caller: who.ARN}
	}
	// A program gave a user's key, which could not be known before it ran.
	if creds, err = v.Source.Create(ctx, pl.Federation(o.As), creds); err != nil {
		return Visitor{}, err
	}
	who, err = v.Source.STS(pl.Call("sts")).Caller(ctx, creds)
	return Visitor{who, creds}, err
}

// A Destination is the page of the console that is opened.
type Destination struct {
	Path   string // within the console; empty for its front page
	Region string // of another partition than the credentials', or empty, for none
	Logout bool   // sign out of the console first
}

// SignInURL returns a URL that signs a browser in to the console, once, within 15 minutes.
// Whoever has it is the visitor. It returns a [*NoConsoleError], or an error as
// [awsapi.Client.SignInToken] does.
func SignInURL(ctx context.Context, v *vault.Vault, pl plan.Plan, who Visitor, to Destination) (string, error) {
	s, err := siteOf(who.ARN)
	if err != nil {
		return "", err
	}
	base, at := "https://"+s.signIn(), pl.Call("signin")
	if at.Endpoint.URL != "" {
		base = strings.TrimSuffix(at.Endpoint.URL, "/")
	}
	at.Endpoint.URL = base + "/federation"
	token, err := v.Source.AWS.SignInToken(ctx, awsapi.Endpoint(at.Endpoint), who.credentials, at.Lasts)
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

func siteOf(arn string) (site, error) {
	_, rest, _ := strings.Cut(arn, ":")
	partition, _, _ := strings.Cut(rest, ":")
	for _, s := range sites {
		if s.partition == partition {
			return s, nil
		}
	}
	return site{}, &NoConsoleError{Partition: partition}
}

// page is the address of a page of the console.
func (s site) page(to Destination) string {
	host, query := s.console, ""
	if to.Region != "" && !partition.IsPseudo(to.Region) && partition.Of(to.Region) == s.partition {
		host, query = to.Region+"."+s.console, "region="+url.QueryEscape(to.Region)
	}
	path, fragment, _ := strings.Cut(strings.TrimLeft(to.Path, "/"), "#")
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

// logout is where one signs out. [K]: of the regional hosts, only the first is known to
// take a redirect, and that of the commercial partition alone.
func (s site) logout(base string) string {
	if s.partition == "aws" && base == "https://"+s.signIn() {
		return "https://us-east-1." + s.signIn() + "/oauth"
	}
	return base + "/oauth"
}
