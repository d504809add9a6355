package awsapi

import (
	"strings"
	"testing"
)

func TestRolesAnywhereEndpoints(t *testing.T) {
	for _, c := range []struct {
		region string
		e      Endpoint
		want   string
	}{
		{"eu-west-1", Endpoint{}, "https://rolesanywhere.eu-west-1.amazonaws.com"},
		{"eu-west-1", Endpoint{DualStack: true}, "https://rolesanywhere.eu-west-1.api.aws"},
		{"us-east-1", Endpoint{FIPS: true}, "https://rolesanywhere-fips.us-east-1.amazonaws.com"},
		{"cn-north-1", Endpoint{}, "https://rolesanywhere.cn-north-1.amazonaws.com.cn"},
		{"us-gov-west-1", Endpoint{FIPS: true}, "https://rolesanywhere-fips.us-gov-west-1.amazonaws.com"},
		{"eu-west-1", Endpoint{URL: "http://127.0.0.1:1/"}, "http://127.0.0.1:1"},
	} {
		at, err := serviceRolesAnywhere.address(Target{c.region, c.e})
		if err != nil || at.url != c.want || c.e.URL == "" && !isAWS(strings.TrimPrefix(at.url, "https://")) {
			t.Errorf("address is %s, want %s (error: %v)", at.url, c.want, err)
		}
	}
}

// The fuzz test checks that every response leads to valid credentials or to the error "no credentials in the
// response".
func FuzzRolesAnywhereResponse(f *testing.F) {
	for _, text := range []string{
		``, `{}`, `{"credentialSet":[]}`, `{"credentialSet":[{"credentials":{}}]}`,
		`{"credentialSet":[{"credentials":{"accessKeyId":"ASIAEXAMPLE","secretAccessKey":"EXAMPLE","sessionToken":"EXAMPLE","expiration":"2030-01-02T12:00:00Z"}}]}`,
		`{"credentialSet":[{"credentials":{"accessKeyId":"ASIA\nEXAMPLE","secretAccessKey":"EXAMPLE","sessionToken":"EXAMPLE","expiration":"2030-01-02T12:00:00Z"}}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := call{action: actionCreateSession, resource: "arn:aws:iam::123456789012:role/anywhere", endpoint: "https://example.com"}
		got, err := c.rolesAnywhereCredentials(text)
		switch {
		case err != nil && err.Error() != "CreateSession: no credentials in the response from https://example.com":
			t.Errorf("unexpected error %q", err)
		case err == nil && (InvalidReason(got) != "" || got.SessionToken == "" || !got.CanExpire || got.Expires.IsZero()):
			t.Errorf("invalid credentials were accepted from %q", text)
		}
	})
}
