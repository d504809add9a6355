package awsapi

import (
	"fmt"
	"net/url"
	"strings"

	"aws-vault/vault/ascii"
	"aws-vault/vault/partition"
	"aws-vault/vault/printable"
)

// A service is an AWS service with an endpoint in each region.
type service struct {
	title string // name of the service in errors
	name  string // name of the service in signatures
	host  string // first part of the endpoint's host name
	fips  string // first part of the FIPS 140 endpoint's host name
}

var (
	serviceSTS    = service{"STS", "sts", "sts", "sts-fips"}
	serviceOIDC   = service{"Identity Center sign-in", "sso-oauth", "oidc", "oidc-fips"}
	servicePortal = service{"Identity Center portal", "awsssoportal", "portal.sso", "portal.sso-fips"}

	serviceRolesAnywhere = service{"Roles Anywhere", "rolesanywhere", "rolesanywhere", "rolesanywhere-fips"}
)

// domains holds the domains of a partition, and the hosts of IAM, which has one endpoint per partition.
type domains struct {
	classic, dual string
	iam           [4]string // hosts of IAM: classic, FIPS, dual stack, and FIPS with dual stack
	home          string    // region in signatures for IAM
}

// domainsOf returns the domains of the partition that contains region.
// https://docs.aws.amazon.com/general/latest/gr/sts.html
// https://docs.aws.amazon.com/general/latest/gr/iam-service.html
func domainsOf(region string) domains {
	switch partition.Of(region) {
	case "aws-cn":
		return domains{"amazonaws.com.cn", "api.amazonwebservices.com.cn", [4]string{"iam.cn-north-1.amazonaws.com.cn", "iam-fips.amazonaws.com.cn",
			"iam.global.api.amazonwebservices.com.cn", "iam-fips.api.amazonwebservices.com.cn"}, "cn-north-1"}
	case "aws-us-gov":
		return domains{"amazonaws.com", "api.aws", [4]string{"iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com",
			"iam.us-gov.api.aws", "iam.us-gov.api.aws"}, "us-gov-west-1"}
	case "aws-eusc":
		return domains{"amazonaws.eu", "api.amazonwebservices.eu", [4]string{"iam.eusc-de-east-1.amazonaws.eu", "iam-fips.amazonaws.eu",
			"iam.global.api.amazonwebservices.eu", "iam-fips.api.amazonwebservices.eu"}, "eusc-de-east-1"}
	case "aws-iso":
		return domains{"c2s.ic.gov", "api.aws.ic.gov", [4]string{"iam.us-iso-east-1.c2s.ic.gov", "iam-fips.us-iso-east-1.c2s.ic.gov",
			"iam.api.aws.ic.gov", "iam-fips.api.aws.ic.gov"}, "us-iso-east-1"}
	case "aws-iso-b":
		return domains{"sc2s.sgov.gov", "api.aws.scloud", [4]string{"iam.us-isob-east-1.sc2s.sgov.gov", "iam-fips.us-isob-east-1.sc2s.sgov.gov",
			"iam.api.aws.scloud", "iam-fips.api.aws.scloud"}, "us-isob-east-1"}
	case "aws-iso-e":
		return domains{"cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", [4]string{"iam.eu-isoe-west-1.cloud.adc-e.uk", "iam-fips.cloud.adc-e.uk",
			"iam.api.cloud-aws.adc-e.uk", "iam-fips.api.cloud-aws.adc-e.uk"}, "eu-isoe-west-1"}
	case "aws-iso-f":
		return domains{"csp.hci.ic.gov", "api.aws.hci.ic.gov", [4]string{"iam.us-isof-south-1.csp.hci.ic.gov", "iam-fips.csp.hci.ic.gov",
			"iam.api.aws.hci.ic.gov", "iam-fips.api.aws.hci.ic.gov"}, "us-isof-south-1"}
	}
	return domains{"amazonaws.com", "api.aws", [4]string{"iam.amazonaws.com", "iam-fips.amazonaws.com",
		"iam.global.api.aws", "iam-fips.global.api.aws"}, "us-east-1"}
}

// An address is the URL of a service, with the service name and region for signatures.
type address struct {
	url     string // URL without a trailing slash
	service string
	region  string
}

// address returns the address of the service. It fails if AWS's own endpoint is used and the region is invalid.
func (s service) address(t Target) (address, error) {
	region, e := t.Region, t.Endpoint
	if e.URL != "" {
		return address{strings.TrimRight(e.URL, "/"), s.name, region}, nil
	}
	if err := checkRegion(region); err != nil {
		return address{}, err
	}
	d := domainsOf(region)
	host, domain := s.host, d.classic
	// In GovCloud, the classic hosts of all services except Roles Anywhere are FIPS hosts.
	if e.FIPS && (e.DualStack || s == serviceRolesAnywhere || partition.Of(region) != "aws-us-gov") {
		host = s.fips
	}
	if e.DualStack {
		domain = d.dual
	}
	return address{"https://" + host + "." + region + "." + domain, s.name, region}, nil
}

// checkRegion returns an error if region cannot be part of the host name of a regional service.
func checkRegion(region string) error {
	switch {
	case !IsDNSLabel(region):
		return fmt.Errorf("the region is %.80q, expected a region such as eu-west-1", region)
	case partition.IsPseudo(region):
		return fmt.Errorf("the region is %s, which stands for a whole partition, expected a single region such as %s", region, partition.Home("arn:"+partition.Of(region)+":"))
	}
	return nil
}

// endpointName returns the endpoint's name for errors: its scheme and host, or the service's title if they are unknown.
func (s service) endpointName(t Target) string {
	at, err := s.address(t)
	switch {
	case t.Region == "" && t.Endpoint.URL == "":
		return s.title + " without a region"
	case err != nil:
		return s.title + " in " + t.Region
	}
	return baseOf(at.url)
}

// stsAddress returns the address of STS. It fails like [service.address].
func stsAddress(t Target) (address, error) {
	if isGlobal(t) {
		return address{globalURL, serviceSTS.name, globalRegion}, nil
	}
	return serviceSTS.address(t)
}

// iamAddress returns the address of IAM.
func iamAddress(t Target) address {
	d, e := domainsOf(t.Region), t.Endpoint
	if e.URL != "" {
		return address{strings.TrimRight(e.URL, "/"), "iam", d.home}
	}
	i := 0
	if e.FIPS {
		i++
	}
	if e.DualStack {
		i += 2
	}
	return address{"https://" + d.iam[i], "iam", d.home}
}

// IsDNSLabel reports whether region can be a label of a host name.
// https://www.rfc-editor.org/rfc/rfc1123#section-2.1
func IsDNSLabel(region string) bool {
	for i := range len(region) {
		c := region[i]
		if !ascii.IsAlphanumeric(c) && (c != '-' || i == 0 || i == len(region)-1) {
			return false
		}
	}
	return region != "" && len(region) <= 63
}

// BaseOf returns the scheme and host of a URL, such as https://sts.amazonaws.com. The host is in ASCII.
func BaseOf(u *url.URL) string { return printable.URL(u.Scheme + "://" + u.Host) }

// baseOf returns the scheme and host of the URL in text.
func baseOf(text string) string {
	if u, err := url.Parse(text); err == nil {
		return BaseOf(u)
	}
	return text
}
