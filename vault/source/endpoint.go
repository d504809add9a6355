package source

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aws-vault/vault/plan"
)

// PlainError is returned for a call that would have gone over a network unencrypted. The
// answer of one that is signed is as secret as a token that another carries.
type PlainError struct {
	URL    string // scheme and host
	Origin string // where it was read
}

func (e *PlainError) Error() string {
	return fmt.Sprintf("%s: endpoint is %s, want https for another machine, as credentials would be seen on the way", e.Origin, e.URL)
}

// EndpointError is returned for what cannot be called. It does not say what that was
// where a password may be in it.
type EndpointError struct {
	Found  string
	Origin string // where it was read
}

func (e *EndpointError) Error() string {
	return fmt.Sprintf("%s: endpoint is %s, want a URL such as https://sts.eu-west-1.amazonaws.com", e.Origin, e.Found)
}

// checkEndpoint refuses to speak plain HTTP to another machine, and names a host that is not
// AWS's, once.
func (d *Deps) checkEndpoint(e plan.Endpoint) error {
	if e.URL == "" {
		return nil
	}
	u, err := url.Parse(e.URL)
	switch {
	case strings.Contains(e.URL, "@"):
		return &EndpointError{"a URL with a user's name", e.Origin}
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return &EndpointError{fmt.Sprintf("%.80q", e.URL), e.Origin}
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return &PlainError{site(u), e.Origin}
	case !isAWS(u.Hostname()):
		d.tellOnce(fmt.Sprintf("calling %s instead of AWS, as %s says", site(u), e.Origin))
	}
	return nil
}

func site(u *url.URL) string { return u.Scheme + "://" + u.Host }

// siteOf is the site of a URL that was checked before.
func siteOf(text string) string {
	if u, err := url.Parse(text); err == nil {
		return site(u)
	}
	return text
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// awsHost are the names under which AWS offers STS, IAM and Identity Center, in all its
// partitions and in a customer's own network. The domain alone does not tell, for customers' machines, buckets
// and load balancers have names under it too.
// https://docs.aws.amazon.com/general/latest/gr/sts.html
// https://docs.aws.amazon.com/general/latest/gr/iam-service.html
// https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-share-your-services.html
var awsHost = regexp.MustCompile(`(?i)^(vpce-[a-z0-9-]+\.)?(sts|iam|oidc|portal\.sso)(-fips)?(\.[a-z]+(-[a-z]+)+-[0-9]+|\.us-gov|\.global)?(\.vpce)?\.(` + strings.Join([]string{
	`amazonaws\.com`, `api\.aws`,
	`amazonaws\.com\.cn`, `api\.amazonwebservices\.com\.cn`,
	`amazonaws\.eu`, `api\.amazonwebservices\.eu`,
	`c2s\.ic\.gov`, `api\.aws\.ic\.gov`,
	`sc2s\.sgov\.gov`, `api\.aws\.scloud`,
	`cloud\.adc-e\.uk`, `api\.cloud-aws\.adc-e\.uk`,
	`csp\.hci\.ic\.gov`, `api\.aws\.hci\.ic\.gov`,
}, "|") + `)$`)

// signInHost are the names of AWS's sign-in.
var signInHost = regexp.MustCompile(`(?i)^([a-z]+(-[a-z]+)+-[0-9]+\.)?signin\.(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com|amazonaws-eusc\.eu)$`)

func isAWS(host string) bool { return awsHost.MatchString(host) || signInHost.MatchString(host) }

// The global endpoint of STS, and the region that signatures for it name.
const (
	globalURL    = "https://sts.amazonaws.com"
	globalRegion = "us-east-1"
)

// global reports whether a step calls the global endpoint.
func global(s plan.Step) bool {
	e := s.Endpoint
	return e.Legacy && e.URL == "" && !e.FIPS && !e.DualStack && legacyGlobal[s.Region]
}

// legacyGlobal are the regions that sts_regional_endpoints = legacy sends to the global
// endpoint.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html
var legacyGlobal = map[string]bool{
	"ap-northeast-1": true, "ap-south-1": true, "ap-southeast-1": true, "ap-southeast-2": true, "aws-global": true,
	"ca-central-1": true, "eu-central-1": true, "eu-north-1": true, "eu-west-1": true, "eu-west-2": true, "eu-west-3": true,
	"sa-east-1": true, "us-east-1": true, "us-east-2": true, "us-west-1": true, "us-west-2": true,
}

// place names where a step's calls go: scheme and host, as far as they are known.
func place(s plan.Step) string {
	p := sts.EndpointParameters{Region: aws.String(s.Region), UseFIPS: aws.Bool(s.Endpoint.FIPS), UseDualStack: aws.Bool(s.Endpoint.DualStack)}
	switch {
	case s.Endpoint.URL != "":
		if u, err := url.Parse(s.Endpoint.URL); err == nil {
			return site(u)
		}
	case global(s):
		return globalURL
	case s.Region == "":
		return "STS without a region"
	}
	// The resolver computes; it asks nobody.
	if e, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), p); err == nil {
		return site(&e.URI)
	}
	return "STS in " + s.Region
}
