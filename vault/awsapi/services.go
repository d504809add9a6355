package awsapi

import (
	"fmt"
	"net/url"
	"strings"

	"aws-vault/vault/ascii"
	"aws-vault/vault/partition"
)

// A service is one of AWS's that is called in a region.
type service struct {
	title string // for errors
	name  string // what signatures call it
	host  string // how its hosts begin
	fips  string // how those begin that keep to FIPS 140
}

var (
	serviceSTS    = service{"STS", "sts", "sts", "sts-fips"}
	serviceOIDC   = service{"the sign-in", "sso-oauth", "oidc", "oidc-fips"}
	servicePortal = service{"the portal", "awsssoportal", "portal.sso", "portal.sso-fips"}

	serviceAnywhere = service{"Roles Anywhere", "rolesanywhere", "rolesanywhere", "rolesanywhere-fips"}
)

// A partition's domains, and IAM's hosts in it: IAM is called in one place of each.
type domains struct {
	classic, dual string
	iam           [4]string // classic, FIPS, dual stack, both
	home          string    // the region that signatures for IAM name
}

// domainsOf returns the domains of the partition that a region lies in.
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

// An address is where a service is called, and what signatures for it name.
type address struct {
	url     string // without a slash at its end
	service string
	region  string
}

// at returns where the service is called. Its error says what is wrong with a region.
func (s service) at(t Target) (address, error) {
	region, e := t.Region, t.Endpoint
	if e.URL != "" {
		return address{strings.TrimRight(e.URL, "/"), s.name, region}, nil
	}
	if err := checkRegion(region); err != nil {
		return address{}, err
	}
	d := domainsOf(region)
	host, domain := s.host, d.classic
	if e.FIPS && (e.DualStack || s == serviceAnywhere || partition.Of(region) != "aws-us-gov") { // whose other hosts keep to it anyway
		host = s.fips
	}
	if e.DualStack {
		domain = d.dual
	}
	return address{"https://" + host + "." + region + "." + domain, s.name, region}, nil
}

// checkRegion refuses what a service that has a place in each region cannot be called in.
func checkRegion(region string) error {
	switch {
	case !isLabel(region):
		return fmt.Errorf("the region is %.80q, want one such as eu-west-1", region)
	case partition.IsPseudo(region):
		return fmt.Errorf("the region is %s, which stands for a whole partition, expected one such as %s", region, partition.Home("arn:"+partition.Of(region)+":"))
	}
	return nil
}

// place names where the service is called, for errors: scheme and host, as far as they
// are known.
func (s service) place(t Target) string {
	at, err := s.at(t)
	switch {
	case t.Region == "" && t.Endpoint.URL == "":
		return s.title + " without a region"
	case err != nil:
		return s.title + " in " + t.Region
	}
	return siteOf(at.url)
}

// stsAt returns where STS is called.
func stsAt(t Target) (address, error) {
	if global(t) {
		return address{globalURL, serviceSTS.name, globalRegion}, nil
	}
	return serviceSTS.at(t)
}

// iamAt returns where IAM is called.
func iamAt(t Target) address {
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

// isLabel reports whether a region may stand in a host's name.
func isLabel(region string) bool {
	for i := range len(region) {
		c := region[i]
		if !ascii.IsAlphanumeric(c) && (c != '-' || i == 0) {
			return false
		}
	}
	return region != "" && len(region) <= 63
}

// Site is the scheme and the host of a URL.
func Site(u *url.URL) string { return u.Scheme + "://" + u.Host }

// siteOf is the site of a URL that was checked before.
func siteOf(text string) string {
	if u, err := url.Parse(text); err == nil {
		return Site(u)
	}
	return text
}
