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

// PlainHTTPError reports that an endpoint on another machine would be called without TLS. Unsigned calls to such
// an endpoint are refused too, because their requests contain tokens and their responses contain credentials.
type PlainHTTPError struct {
	URL    string // scheme and host of the endpoint
	Origin string // place where the URL is set, such as ~/.aws/config:3
}

func (e *PlainHTTPError) Error() string {
	return fmt.Sprintf("%s: endpoint is %s, expected https: plain HTTP would send credentials unencrypted", e.Origin, e.URL)
}

// Host returns the host of the endpoint, without the port.
func (e *PlainHTTPError) Host() string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// EndpointError reports an invalid endpoint URL. Found describes the URL, but does not quote it if it may contain a
// password.
type EndpointError struct {
	Found  string
	Origin string // place where the URL is set, such as ~/.aws/config:3
}

func (e *EndpointError) Error() string {
	return fmt.Sprintf("%s: endpoint is %s, expected a URL such as https://sts.eu-west-1.amazonaws.com", e.Origin, e.Found)
}

// CheckEndpoint refuses an invalid endpoint. It refuses plain HTTP to another machine, unless the user allows it.
// If the host is not one of AWS's hosts, CheckEndpoint notifies the user, once.
func (api *Client) CheckEndpoint(e Endpoint) error {
	if e.URL == "" {
		return nil
	}
	u, err := url.Parse(e.URL)
	switch {
	case strings.Contains(e.URL, "@"):
		return &EndpointError{"a URL with a user name", e.Origin}
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return &EndpointError{fmt.Sprintf("%.80q", e.URL), e.Origin}
	case u.Scheme == "http" && !IsLoopback(u.Hostname()) && !e.PlainHTTP:
		return &PlainHTTPError{BaseOf(u), e.Origin}
	case !isAWS(u.Hostname()):
		api.notifyOnce(fmt.Sprintf("calling %s instead of AWS, because of %s", BaseOf(u), e.Origin))
	}
	return nil
}

// IsLoopback reports whether host is localhost or a loopback address.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// awsHost matches the names of AWS's hosts for STS, IAM, Identity Center, Roles Anywhere and sign-in, in all partitions
// and for VPC endpoints. It does not match every host in AWS's domains, because customers' instances, buckets and load
// balancers have names in the same domains.
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

// signInHost matches the names of AWS's sign-in hosts.
var signInHost = sync.OnceValue(func() *regexp.Regexp {
	domains := []string{regexp.QuoteMeta(signInFIPSGov)}
	for _, s := range partition.SignInDomains {
		domains = append(domains, regexp.QuoteMeta(s.Domain))
	}
	return regexp.MustCompile(`(?i)^([a-z]+(-[a-z]+)+-[0-9]+\.)?(` + strings.Join(domains, "|") + `)$`)
})

// isAWS reports whether host belongs to AWS. For a loopback host it does not compile the regular expressions.
func isAWS(host string) bool {
	return !IsLoopback(host) && (awsHost().MatchString(host) || signInHost().MatchString(host))
}

// The URL of STS's global endpoint, the region in signatures for this endpoint, and the pseudo-region that selects
// this endpoint.
const (
	globalURL    = "https://sts.amazonaws.com"
	globalRegion = "us-east-1"
	globalName   = "aws-global"
)

// isGlobal reports whether an STS call goes to the global endpoint.
func isGlobal(t Target) bool {
	e := t.Endpoint
	return e.URL == "" && !e.FIPS && !e.DualStack && (t.Region == globalName || e.Legacy && legacyGlobal(t.Region))
}

// legacyGlobal reports whether sts_regional_endpoints = legacy sends the calls of a region to the global endpoint.
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
