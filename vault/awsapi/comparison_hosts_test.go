package awsapi

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rolesanywhere"
	"github.com/aws/aws-sdk-go-v2/service/signin"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"aws-vault/vault/partition"
)

// sdkRegions returns the regions of each partition, as the SDK lists them. It adds an invented region to each
// partition, because AWS may open new regions.
func sdkRegions(t *testing.T) map[string][]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "internal/endpoints/awsrulesfn/partitions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Partitions []struct {
			ID      string
			Regions map[string]struct{}
		}
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list.Partitions) == 0 {
		t.Fatalf("read %d partitions from the SDK's list (error: %v)", len(list.Partitions), err)
	}
	found := map[string][]string{}
	for _, p := range list.Partitions {
		found[p.ID] = slices.Sorted(maps.Keys(p.Regions))
		for _, region := range found[p.ID] {
			if parts := strings.Split(region, "-"); !isPseudo(region) {
				found[p.ID] = append(found[p.ID], strings.Join(append(parts[:len(parts)-2], "somewhere", "9"), "-"))
				break
			}
		}
	}
	return found
}

// isPseudo reports whether region is a pseudo-region, the name of a whole partition.
func isPseudo(region string) bool { return strings.HasSuffix(region, "-global") }

func TestPartitionsMatchTheSDK(t *testing.T) {
	for id, regions := range sdkRegions(t) {
		for _, region := range regions {
			if got := partition.Of(region); got != id {
				t.Errorf("region %s: got partition %s, want %s", region, got, id)
			}
		}
		if home := partition.Home("arn:" + id + ":iam::123456789012:role/a"); !slices.Contains(regions, home) {
			t.Errorf("partition %s: home region is %s, which is in another partition", id, home)
		}
	}
}

// sdkAddress converts an endpoint of the SDK to an address. The parameters service and region are the default
// values for signatures. The SDK's rules may replace them.
func sdkAddress(e smithyendpoints.Endpoint, err error, service, region string) (address, error) {
	at := address{e.URI.String(), service, region}
	if schemes, ok := smithyauth.GetAuthOptions(&e.Properties); ok {
		for _, s := range schemes {
			if s.SchemeID != "sigv4" {
				continue
			}
			if name, ok := smithyhttp.GetSigV4SigningName(&s.SignerProperties); ok {
				at.service = name
			}
			if name, ok := smithyhttp.GetSigV4SigningRegion(&s.SignerProperties); ok {
				at.region = name
			}
		}
	}
	return at, err
}

const loginService = "aws login"

// services lists the compared services. The function ours returns the address that this package uses, and the
// function sdk returns the address from the SDK's endpoint rules.
var services = []struct {
	name      string
	legacy    bool // whether the service has a global endpoint
	ours, sdk func(*testing.T, Target) (address, error)
}{
	{
		"STS", true,
		func(_ *testing.T, at Target) (address, error) { return stsAddress(at) },
		func(t *testing.T, at Target) (address, error) {
			e, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sts.EndpointParameters{
				Region: &at.Region, UseFIPS: &at.Endpoint.FIPS, UseDualStack: &at.Endpoint.DualStack, UseGlobalEndpoint: &at.Endpoint.Legacy,
			})
			return sdkAddress(e, err, "sts", at.Region)
		},
	},
	{
		"IAM", false,
		func(_ *testing.T, at Target) (address, error) { return iamAddress(at), nil },
		func(t *testing.T, at Target) (address, error) {
			e, err := iam.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), iam.EndpointParameters{
				Region: &at.Region, UseFIPS: &at.Endpoint.FIPS, UseDualStack: &at.Endpoint.DualStack,
			})
			return sdkAddress(e, err, "iam", at.Region)
		},
	},
	{
		"Identity Center OIDC", false,
		func(_ *testing.T, at Target) (address, error) { return serviceOIDC.address(at) },
		func(t *testing.T, at Target) (address, error) {
			e, err := ssooidc.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), ssooidc.EndpointParameters{
				Region: &at.Region, UseFIPS: &at.Endpoint.FIPS, UseDualStack: &at.Endpoint.DualStack,
			})
			return sdkAddress(e, err, "sso-oauth", at.Region)
		},
	},
	{
		"Identity Center portal", false,
		func(_ *testing.T, at Target) (address, error) { return servicePortal.address(at) },
		func(t *testing.T, at Target) (address, error) {
			e, err := sso.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sso.EndpointParameters{
				Region: &at.Region, UseFIPS: &at.Endpoint.FIPS, UseDualStack: &at.Endpoint.DualStack,
			})
			return sdkAddress(e, err, "awsssoportal", at.Region)
		},
	},
	{
		"Roles Anywhere", false,
		func(_ *testing.T, at Target) (address, error) { return serviceRolesAnywhere.address(at) },
		func(t *testing.T, at Target) (address, error) {
			e, err := rolesanywhere.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), rolesanywhere.EndpointParameters{
				Region: &at.Region, UseFIPS: &at.Endpoint.FIPS, UseDualStack: &at.Endpoint.DualStack,
			})
			return sdkAddress(e, err, "rolesanywhere", at.Region)
		},
	},
	{
		loginService, false,
		func(_ *testing.T, at Target) (address, error) {
			base, err := Login{Target: at}.signInURL()
			return address{base, "signin", at.Region}, err // the calls are unsigned, but the SDK returns this service name and region
		},
		func(t *testing.T, at Target) (address, error) {
			e, err := signin.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), signin.EndpointParameters{
				Region: &at.Region, UseFIPS: &at.Endpoint.FIPS, UseDualStack: &at.Endpoint.DualStack, IsControlPlane: aws.Bool(false),
			})
			return sdkAddress(e, err, "signin", at.Region)
		},
	},
}

// rejectionReason returns why this package rejects a target that the SDK accepts. It returns "" if this package must
// accept the target too.
func rejectionReason(service, id string, at Target) string {
	e := at.Endpoint
	switch {
	case service == loginService && (id == "" || isPseudo(at.Region)):
		return "aws login needs a region of a known partition"
	case isPseudo(at.Region) && service != "IAM" && (at.Region != globalName || service != "STS" || e.FIPS || e.DualStack):
		return "a pseudo-region has no regional endpoint"
	}
	return ""
}

func TestEndpointsMatchTheSDK(t *testing.T) {
	same, rejected, all := 0, map[string]int{}, sdkRegions(t)
	all[""] = []string{"mars-1"} // a region of no known partition: misspelled, or in a new partition
	for _, s := range services {
		for id, regions := range all {
			for _, region := range regions {
				for n := range 8 {
					at := Target{region, Endpoint{FIPS: n&1 != 0, DualStack: n&2 != 0, Legacy: n&4 != 0}}
					if at.Endpoint.Legacy && !s.legacy {
						continue
					}
					got, err := s.ours(t, at)
					want, wantErr := s.sdk(t, at)
					reason, host := rejectionReason(s.name, id, at), strings.TrimPrefix(got.url, "https://")
					switch {
					case wantErr != nil:
						t.Errorf("%s in %s, endpoint %+v: the SDK has no address: %v", s.name, region, at.Endpoint, wantErr)
					case reason != "" && err != nil:
						rejected[reason]++
					case reason != "" || err != nil || got != want:
						t.Errorf("%s in %s (partition %q), endpoint %+v: got %v (error: %v), want %v; reason to reject: %q", s.name, region, id, at.Endpoint, got, err, want, reason)
					case id != "" && !isPseudo(region) && !isAWS(host):
						t.Errorf("isAWS(%q) = false, want true", host)
					default:
						same++
					}
				}
			}
		}
	}
	t.Logf("%d addresses match the SDK; targets that only this package rejects, by reason: %v", same, rejected)
}
