package awsapi

import (
	"strings"
	"testing"
)

// TestLoginEndpoints expects the hosts that the SDK's endpoint rules produce.
func TestLoginEndpoints(t *testing.T) {
	for region, want := range map[string][4]string{ // hosts: plain, FIPS, dual stack, FIPS with dual stack
		"eu-west-1": {"eu-west-1.signin.aws.amazon.com", "signin-fips.eu-west-1.amazonaws.com", "signin.eu-west-1.api.aws", "signin-fips.eu-west-1.api.aws"},
		"cn-north-1": {
			"cn-north-1.signin.amazonaws.cn", "signin-fips.cn-north-1.amazonaws.com.cn",
			"signin.cn-north-1.api.amazonwebservices.com.cn", "signin-fips.cn-north-1.api.amazonwebservices.com.cn",
		},
		"us-gov-west-1": {
			"us-gov-west-1.signin.amazonaws-us-gov.com", "signin-fips.amazonaws-us-gov.com",
			"signin.us-gov-west-1.api.aws", "signin-fips.us-gov-west-1.api.aws",
		},
		"us-gov-east-1": {
			"us-gov-east-1.signin.amazonaws-us-gov.com", "us-gov-east-1.signin-fips.amazonaws-us-gov.com",
			"signin.us-gov-east-1.api.aws", "signin-fips.us-gov-east-1.api.aws",
		},
		"eusc-de-east-1": {
			"eusc-de-east-1.signin.amazonaws-eusc.eu", "signin-fips.eusc-de-east-1.amazonaws.eu",
			"signin.eusc-de-east-1.api.amazonwebservices.eu", "signin-fips.eusc-de-east-1.api.amazonwebservices.eu",
		},
		"us-iso-east-1": {
			"us-iso-east-1.signin.c2shome.ic.gov", "signin-fips.us-iso-east-1.c2s.ic.gov",
			"signin.us-iso-east-1.api.aws.ic.gov", "signin-fips.us-iso-east-1.api.aws.ic.gov",
		},
		"us-isob-east-1": {
			"us-isob-east-1.signin.sc2shome.sgov.gov", "signin-fips.us-isob-east-1.sc2s.sgov.gov",
			"signin.us-isob-east-1.api.aws.scloud", "signin-fips.us-isob-east-1.api.aws.scloud",
		},
		"eu-isoe-west-1": {
			"eu-isoe-west-1.signin.csphome.adc-e.uk", "signin-fips.eu-isoe-west-1.cloud.adc-e.uk",
			"signin.eu-isoe-west-1.api.cloud-aws.adc-e.uk", "signin-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk",
		},
		"us-isof-south-1": {
			"us-isof-south-1.signin.csphome.hci.ic.gov", "signin-fips.us-isof-south-1.csp.hci.ic.gov",
			"signin.us-isof-south-1.api.aws.hci.ic.gov", "signin-fips.us-isof-south-1.api.aws.hci.ic.gov",
		},
	} {
		for i, e := range []Endpoint{{}, {FIPS: true}, {DualStack: true}, {FIPS: true, DualStack: true}} {
			l := Login{Client: &Client{}, Target: Target{Region: region, Endpoint: e}}
			if err := l.Check(); err != nil || l.BaseURL() != "https://"+want[i] || l.EndpointName() != "https://"+want[i] {
				t.Errorf("region %s, endpoint %+v: sign-in URL is %s, want host %s (error: %v)", region, e, l.BaseURL(), want[i], err)
			}
			if !isAWS(want[i]) {
				t.Errorf("isAWS(%q) = false, want true", want[i])
			}
		}
	}
}

// A sign-in in an unknown region fails. It must not use a sign-in host of the standard partition instead.
func TestLoginRejectsUnknownRegions(t *testing.T) {
	for _, region := range []string{"us-isog-east-1", "mars-1", "", "evil.org/", "aws-global", "aws-cn-global"} {
		for _, e := range []Endpoint{{}, {FIPS: true}, {DualStack: true}} {
			l := Login{Client: &Client{}, Target: Target{Region: region, Endpoint: e}}
			if err := l.Check(); err == nil || !strings.Contains(err.Error(), " such as ") || l.BaseURL() != "" {
				t.Errorf("region %q: got error %v and URL %q, want an error that suggests a region, and no URL", region, err, l.BaseURL())
			}
		}
	}
	l := Login{Client: &Client{}, Target: Target{Region: "mars-1", Endpoint: Endpoint{URL: "https://signin.example.com/"}}}
	if err := l.Check(); err != nil || l.BaseURL() != "https://signin.example.com" {
		t.Errorf("custom endpoint: got error %v and URL %q", err, l.BaseURL())
	}
}
