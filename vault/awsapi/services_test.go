package awsapi

import "testing"

// The region becomes part of a host name, and its value in a config file may be anything.
func TestInvalidRegions(t *testing.T) {
	for region, want := range map[string]bool{
		"eu-west-1": true, "x": true, "": false, "-a": false, "a.evil.org": false, "evil.org/": false, "a b": false, "a@evil.org": false, "a#": false, "é": false,
	} {
		if _, err := serviceSTS.address(Target{Region: region}); (err == nil) != want {
			t.Errorf("%q: got %v", region, err)
		}
	}
}

// A pseudo-region is refused for regional services. IAM has one endpoint per partition, and STS has a global
// endpoint in the partition aws.
func TestPseudoRegions(t *testing.T) {
	for region, home := range map[string]string{"aws-global": "us-east-1", "aws-cn-global": "cn-north-1", "aws-us-gov-global": "us-gov-west-1", "aws-iso-b-global": "us-isob-east-1"} {
		for _, s := range []service{serviceSTS, serviceOIDC, servicePortal, serviceRolesAnywhere} {
			want := "the region is " + region + ", which stands for a whole partition, expected one such as " + home
			if at, err := s.address(Target{Region: region}); err == nil || err.Error() != want {
				t.Errorf("%s in %s: got %q, %v", s.title, region, at.url, err)
			}
		}
		if at, want := iamAddress(Target{Region: region}), iamAddress(Target{Region: home}); at != want {
			t.Errorf("IAM in %s is at %+v, want %+v", region, at, want)
		}
		if at, err := stsAddress(Target{Region: region}); (err == nil) != (region == globalName) {
			t.Errorf("STS in %s: got %q, %v", region, at.url, err)
		}
	}
}
