package awsapi

import "testing"

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
