package awsapi

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// The SDK's resolvers are generated from AWS's own rules, and say where each service is.
func TestServicesAreWhereTheSDKFindsThem(t *testing.T) {
	for _, region := range []string{
		"us-east-1", "eu-west-1", "ap-southeast-4", "mars-1", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1",
		"eusc-de-east-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1",
	} {
		for _, e := range []Endpoint{{}, {FIPS: true}, {DualStack: true}, {FIPS: true, DualStack: true}} {
			check := func(service string, at address, err error, want smithyendpoints.Endpoint, sdkErr error) {
				t.Helper()
				if err != nil || sdkErr != nil || at.url != want.URI.String() {
					t.Errorf("%s in %s with %+v is at %s, want %s (%v, %v)", service, region, e, at.url, want.URI.String(), err, sdkErr)
				}
			}
			ctx, fips, dual := t.Context(), aws.Bool(e.FIPS), aws.Bool(e.DualStack)

			at, err := stsAt(Target{region, e})
			found, sdkErr := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: &region, UseFIPS: fips, UseDualStack: dual})
			check("STS", at, err, found, sdkErr)

			at, err = serviceOIDC.at(Target{region, e})
			found, sdkErr = ssooidc.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, ssooidc.EndpointParameters{Region: &region, UseFIPS: fips, UseDualStack: dual})
			check("the sign-in", at, err, found, sdkErr)

			at, err = servicePortal.at(Target{region, e})
			found, sdkErr = sso.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sso.EndpointParameters{Region: &region, UseFIPS: fips, UseDualStack: dual})
			check("the portal", at, err, found, sdkErr)

			found, sdkErr = iam.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, iam.EndpointParameters{Region: &region, UseFIPS: fips, UseDualStack: dual})
			check("IAM", iamAt(Target{region, e}), nil, found, sdkErr)
		}
	}
}

// A region stands in a host's name, and a config file may say anything.
func TestRegionIsPartOfAName(t *testing.T) {
	for region, want := range map[string]bool{
		"eu-west-1": true, "x": true, "": false, "-a": false, "a.evil.org": false, "evil.org/": false, "a b": false, "a@evil.org": false, "a#": false, "é": false,
	} {
		if _, err := serviceSTS.at(Target{Region: region}); (err == nil) != want {
			t.Errorf("%q: got %v", region, err)
		}
	}
}
