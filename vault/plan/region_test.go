package plan

import (
	"errors"
	"strings"
	"testing"

	"aws-vault/vault/partition"
)

// TestRegions checks the regions of all calls and of the command. A region of [default] is used only in its own
// partition. A region that a profile or a variable sets for another partition is an error.
func TestRegions(t *testing.T) {
	const gov = "arn:aws-us-gov:iam::123456789012:"
	const role, device = "role_arn = " + gov + "role/r\nsource_profile = s\n", "mfa_serial = " + gov + "mfa/alice\n"
	for _, tt := range []struct {
		name    string
		config  string // the profile p is requested; keys are stored under s and t
		env     map[string]string
		command string // the region that the command receives
		want    string // the regions of the steps after the stored key; or the error
	}{
		{name: "the source's region",
			config:  "[default]\nregion = us-east-1\n[profile p]\n" + device + role + "[profile s]\nregion = us-gov-east-1\n" + device,
			command: "us-gov-east-1", want: "us-gov-east-1 us-gov-east-1"},
		{name: "no region of the partition",
			config:  "[default]\nregion = us-east-1\n[profile p]\n" + device + role + "[profile s]\n" + device,
			command: "us-gov-west-1", want: "us-gov-west-1 us-gov-west-1"},
		{name: "China", config: "[default]\nregion = eu-west-1\n[profile p]\nsource_profile = s\nrole_arn = arn:aws-cn:iam::123456789012:role/r\n[profile s]\n",
			command: "cn-north-1", want: "cn-north-1"},
		{name: "a GovCloud region in [default]", config: "[default]\nregion = us-gov-west-1\n[profile p]\nsource_profile = s\n" + arn + "[profile s]\n",
			command: "us-east-1", want: "us-east-1"},
		{name: "the same partition", config: "[default]\nregion = us-gov-east-1\n[profile p]\n" + role + "[profile s]\n",
			command: "us-gov-east-1", want: "us-gov-east-1"},
		{name: "a user with an MFA device", config: "[default]\nregion = us-east-1\n[profile p]\nsource_profile = s\n[profile s]\n" + device,
			command: "us-gov-west-1", want: "us-gov-west-1"},
		{name: "no region", config: "[profile p]\n" + role + "[profile s]\nregion = us-gov-east-1\n", want: "us-gov-west-1"},
		{name: "an unknown region", config: "[default]\nregion = mars-1\n[profile p]\n" + role + "[profile s]\n", command: "mars-1", want: "mars-1"},
		{name: "an unknown partition", config: "[default]\nregion = us-east-1\n[profile p]\nsource_profile = s\nrole_arn = arn:aws-mars:iam::123456789012:role/r\n[profile s]\n",
			command: "us-east-1", want: "us-east-1"},
		{name: "an endpoint of the user", config: "[profile p]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:1\n" + role + "[profile s]\n",
			command: "us-east-1", want: "us-east-1"},

		{name: "the profile's own region", config: "[profile p]\nregion = us-east-1\n" + role + "[profile s]\n",
			want: "config:2: the region of profile p is us-east-1, but " + gov + "role/r is in the partition aws-us-gov, expected a region of that partition"},
		{name: "the source's own region", config: "[profile p]\nregion = us-gov-west-1\n" + device + role + "[profile s]\nregion = us-east-1\n" + device,
			want: "config:7: the region of profile s is us-east-1, but " + gov + "role/r is in the partition aws-us-gov, expected a region of that partition"},
		{name: "a variable", config: "[profile p]\nregion = us-gov-west-1\n" + role + "[profile s]\n", env: map[string]string{"AWS_REGION": "eu-west-1"},
			want: "AWS_REGION: the region of profile p is eu-west-1, but " + gov + "role/r is in the partition aws-us-gov, expected a region of that partition"},
	} {
		pl, err := Make(resolve(t, tt.config, "p", tt.env), stored("s"), Options{})
		if err != nil {
			if err.Error() != tt.want || !errors.As(err, new(*RegionError)) {
				t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
			}
			continue
		}
		var regions []string
		for _, s := range pl.Steps[1:] {
			regions = append(regions, s.Region)
		}
		if got := strings.Join(regions, " "); got != tt.want || pl.Region != tt.command {
			t.Errorf("%s: calls in %s, command in %q, want %s, %q", tt.name, got, pl.Region, tt.want, tt.command)
		}
	}
}

// TestRegionOfPortal checks that the console's region must be in the partition of the portal. A portal has no ARN that an
// error could name.
func TestRegionOfPortal(t *testing.T) {
	config := "[profile p]\nregion = us-east-1\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-gov-west-1\n" +
		"sso_account_id = 123456789012\nsso_role_name = Dev\n"
	const want = "config:2: the region of profile p is us-east-1, but sso_region is in the partition aws-us-gov, expected a region of that partition"
	if _, err := Make(resolve(t, config, "p", nil), stored(), Options{Purpose: Console}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A role that a program requests from a server is assumed in its own partition, or refused.
func TestRegionOfExtraRole(t *testing.T) {
	const gov = "arn:aws-us-gov:iam::123456789012:role/r"
	o := Options{ExtraRoles: []string{gov}}
	pl, err := Make(resolve(t, "[default]\nregion = us-east-1\n[profile p]\n", "p", nil), stored("p"), o)
	if err != nil || !partition.Contains("aws-us-gov", pl.Last().Region) {
		t.Errorf("the role is assumed in %q, %v", pl.Last().Region, err)
	}
	if _, err := Make(resolve(t, "[profile p]\nregion = us-east-1\n", "p", nil), stored("p"), o); !errors.As(err, new(*RegionError)) {
		t.Errorf("got %v, want a RegionError", err)
	}
}

// Calls outside of a plan, and sign-ins, also use a region of [default] only in its own partition.
func TestRegionsOfOtherCalls(t *testing.T) {
	p := resolve(t, "[default]\nregion = us-east-1\n[profile p]\nmfa_serial = arn:aws-us-gov:iam::123456789012:mfa/alice\n", "p", nil)
	if got := STS(p).Region; got != "us-gov-west-1" {
		t.Errorf("STS is called in %s, want us-gov-west-1", got)
	}
	p = resolve(t, "[default]\nregion = us-east-1\n[profile p]\nlogin_session = arn:aws-us-gov:iam::123456789012:user/alice\n", "p", nil)
	if got := SignInRegion(p); got != "us-gov-west-1" {
		t.Errorf("the user signs in in %s, want us-gov-west-1", got)
	}
	p = resolve(t, "[default]\nregion = us-east-1\n[profile p]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-gov-east-1\n"+
		"sso_account_id = 123456789012\nsso_role_name = Dev\n", "p", nil)
	if pl, err := Make(p, stored(), Options{}); err != nil || pl.Region != "us-gov-west-1" {
		t.Errorf("the command gets region %q, %v, want us-gov-west-1", pl.Region, err)
	}
}
