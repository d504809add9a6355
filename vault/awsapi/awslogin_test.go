package awsapi

import (
	"strings"
	"testing"
)

func TestLoginPlaces(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "https://eu-west-1.signin.aws.amazon.com", "cn-north-1": "https://cn-north-1.signin.amazonaws.cn",
		"us-gov-west-1": "https://us-gov-west-1.signin.amazonaws-us-gov.com",
	} {
		if got := (Login{At: Target{Region: region}}).Base(); got != want {
			t.Errorf("%s signs in at %s, want %s", region, got, want)
		}
		if !isAWS(strings.TrimPrefix(want, "https://")) {
			t.Errorf("%s is not AWS's", want)
		}
	}
}
