package plan

import (
	"strings"
	"testing"

	"aws-vault/vault/profile"
)

// For the settings of the metadata service, the environment has priority over the config file.
func TestMetadataEndpoint(t *testing.T) {
	const at, mode, v1 = "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_EC2_METADATA_V1_DISABLED"
	for name, c := range map[string]struct {
		config string
		env    map[string]string
		want   CredentialSource
	}{
		"nothing set":          {"", nil, CredentialSource{Endpoint: "http://169.254.169.254"}},
		"mode":                 {metadataMode + " = IPv6\n", nil, CredentialSource{Endpoint: "http://[fd00:ec2::254]"}},
		"mode in a variable":   {metadataMode + " = IPv6\n", map[string]string{mode: "ipv4"}, CredentialSource{Endpoint: "http://169.254.169.254"}},
		"endpoint":             {metadataURL + " = http://[::1]:1\n", map[string]string{mode: "ipv6"}, CredentialSource{Endpoint: "http://[::1]:1"}},
		"endpoint in variable": {metadataURL + " = http://[::1]:1\n", map[string]string{at: "http://[::1]:2"}, CredentialSource{Endpoint: "http://[::1]:2"}},
		"no v1":                {"ec2_metadata_v1_disabled = True\n", nil, CredentialSource{Endpoint: "http://169.254.169.254", WithoutV1: true}},
		"v1 by a variable":     {"ec2_metadata_v1_disabled = true\n", map[string]string{v1: "false"}, CredentialSource{Endpoint: "http://169.254.169.254"}},
		"no v1 by a variable":  {"", map[string]string{v1: "TRUE"}, CredentialSource{Endpoint: "http://169.254.169.254", WithoutV1: true}},
		"of all":               {"[default]\nec2_metadata_v1_disabled = true\n", nil, CredentialSource{Endpoint: "http://169.254.169.254", WithoutV1: true}},
	} {
		f, err := profile.Parse("config", []byte("[profile p]\n"+metadata+arn+"max_attempts = 7\nretry_mode = adaptive\n"+c.config))
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Resolve("p", profile.Inputs{Env: func(k string) (string, bool) { v, ok := c.env[k]; return v, ok }})
		if err != nil {
			t.Fatal(err)
		}
		made, err := Make(p, Holdings{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case c.env[at] != "":
			c.want.Origin = at
		case strings.Contains(c.config, metadataURL+" "):
			c.want.Origin = "config:6"
		default:
			c.want.Origin = "unset"
		}
		c.want.Source = "Ec2InstanceMetadata"
		if got := made.Steps[0].Spec; got != Spec(c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
		for _, s := range made.Steps {
			if s.Endpoint.MaxAttempts != 7 || s.Endpoint.RetryMode != "adaptive" {
				t.Errorf("%s: the call to %s has the retry settings %+v", name, s.Kind, s.Endpoint)
			}
		}
	}
}
