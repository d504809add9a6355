package awsapi

import "testing"

// A region can come from a config file, and becomes part of a host name. A region that would change the host is
// rejected.
func TestInvalidRegions(t *testing.T) {
	for region, want := range map[string]bool{
		"eu-west-1": true, "x": true, "": false, "-a": false, "eu-": false, "a.evil.org": false, "evil.org/": false, "a b": false, "a@evil.org": false, "a#": false, "é": false,
	} {
		if _, err := serviceSTS.address(Target{Region: region}); (err == nil) != want {
			t.Errorf("region %q: got error %v", region, err)
		}
	}
}

// Regional services reject pseudo-regions. IAM accepts them, because it has one endpoint per partition. STS accepts
// only aws-global, because it has a global endpoint in the partition aws.
func TestPseudoRegions(t *testing.T) {
	for region, home := range map[string]string{"aws-global": "us-east-1", "aws-cn-global": "cn-north-1", "aws-us-gov-global": "us-gov-west-1", "aws-iso-b-global": "us-isob-east-1"} {
		for _, s := range []service{serviceSTS, serviceOIDC, servicePortal, serviceRolesAnywhere} {
			want := "the region is " + region + ", which stands for a whole partition, expected a single region such as " + home
			if at, err := s.address(Target{Region: region}); err == nil || err.Error() != want {
				t.Errorf("%s in %s: got URL %q and error %v, want the error %q", s.title, region, at.url, err, want)
			}
		}
		if at, want := iamAddress(Target{Region: region}), iamAddress(Target{Region: home}); at != want {
			t.Errorf("IAM in %s is at %+v, want %+v", region, at, want)
		}
		if at, err := stsAddress(Target{Region: region}); (err == nil) != (region == globalName) {
			t.Errorf("STS in %s: got URL %q and error %v", region, at.url, err)
		}
	}
}
