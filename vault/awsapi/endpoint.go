package awsapi

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"aws-vault/vault/partition"
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

// CheckEndpoint refuses to speak plain HTTP to another machine, and names a host that is not
// AWS's, once.
func (api *Client) CheckEndpoint(e Endpoint) error {
	if e.URL == "" {
		return nil
	}
	u, err := url.Parse(e.URL)
	switch {
	case strings.Contains(e.URL, "@"):
		return &EndpointError{"a URL with a user's name", e.Origin}
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return &EndpointError{fmt.Sprintf("%.80q", e.URL), e.Origin}
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return &PlainError{Site(u), e.Origin}
	case !isAWS(u.Hostname()):
		api.tellOnce(fmt.Sprintf("calling %s instead of AWS, as %s says", Site(u), e.Origin))
	}
	return nil
}

// IsLoopback reports whether a host is this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// awsHost are the names under which AWS offers STS, IAM and Identity Center, in all its
// partitions and in a customer's own network. The domain alone does not tell, for customers' machines, buckets
// and load balancers have names under it too.
// https://docs.aws.amazon.com/general/latest/gr/sts.html
// https://docs.aws.amazon.com/general/latest/gr/iam-service.html
// https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-share-your-services.html
var awsHost = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(vpce-[a-z0-9-]+\.)?(sts|iam|oidc|portal\.sso|rolesanywhere|signin)(-fips)?(\.[a-z]+(-[a-z]+)+-[0-9]+|\.us-gov|\.global)?(\.vpce)?\.(` + strings.Join([]string{
		`amazonaws\.com`, `api\.aws`,
		`amazonaws\.com\.cn`, `api\.amazonwebservices\.com\.cn`,
		`amazonaws\.eu`, `api\.amazonwebservices\.eu`,
		`c2s\.ic\.gov`, `api\.aws\.ic\.gov`,
		`sc2s\.sgov\.gov`, `api\.aws\.scloud`,
		`cloud\.adc-e\.uk`, `api\.cloud-aws\.adc-e\.uk`,
		`csp\.hci\.ic\.gov`, `api\.aws\.hci\.ic\.gov`,
	}, "|") + `)$`)
})

// signInHost are the names of AWS's sign-in.
var signInHost = sync.OnceValue(func() *regexp.Regexp {
	domains := []string{regexp.QuoteMeta(signInFIPSGov)}
	for _, s := range partition.SignIns {
		domains = append(domains, regexp.QuoteMeta(s.Domain))
	}
	return regexp.MustCompile(`(?i)^([a-z]+(-[a-z]+)+-[0-9]+\.)?(` + strings.Join(domains, "|") + `)$`)
})

// isAWS reports whether a host has a name of AWS's. For this machine nothing is compiled.
func isAWS(host string) bool {
	return !IsLoopback(host) && (awsHost().MatchString(host) || signInHost().MatchString(host))
}

// The global endpoint of STS, the region that signatures for it name, and the name that
// stands for it in place of a region.
const (
	globalURL    = "https://sts.amazonaws.com"
	globalRegion = "us-east-1"
	globalName   = "aws-global"
)

// global reports whether a call goes to the global endpoint.
func global(t Target) bool {
	e := t.Endpoint
	return e.URL == "" && !e.FIPS && !e.DualStack && (t.Region == globalName || e.Legacy && legacyGlobal(t.Region))
}

// legacyGlobal reports whether sts_regional_endpoints = legacy sends a region's calls to
// the global endpoint.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html
func legacyGlobal(region string) bool {
	switch region {
	case "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", globalName,
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2":
		return true
	}
	return false
}
