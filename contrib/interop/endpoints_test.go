//go:build interop && linux

package interop

import (
	"os/exec"
	"strings"
	"testing"
)

// endpointsProgram is a Python program that prints the endpoint URLs with which boto3's clients are created. Its
// arguments are the names of the services.
const endpointsProgram = `
import sys, botocore.session
session = botocore.session.Session()
for name in sys.argv[1:]:
    print(name, session.create_client(name, region_name="eu-central-1").meta.endpoint_url)
`

// boto3 uses the same endpoints in a command that exec starts for a profile as with AWS_PROFILE set to this profile.
func TestServiceEndpoints(t *testing.T) {
	if err := exec.Command("python3", "-c", "import botocore.configprovider as c; c.ConfiguredEndpointProvider").Run(); err != nil {
		t.Skip("no botocore that reads endpoint URLs is here")
	}
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	w.write(".aws/config", `[profile alice]
services = local

[profile both]
source_profile = alice
endpoint_url = http://127.0.0.1:9000
services = local

[profile ignoring]
source_profile = alice
endpoint_url = http://127.0.0.1:9000
services = local
ignore_configured_endpoint_urls = true

[services local]
s3 =
  endpoint_url = http://127.0.0.1:9001
cloudwatch_logs =
  endpoint_url = http://127.0.0.1:9002
elastic_load_balancing_v2 =
  endpoint_url = http://127.0.0.1:9003
sso_oidc =
  endpoint_url = http://127.0.0.1:9004
`)
	sts := "AWS_ENDPOINT_URL_STS=" + w.aws.URL()
	for i, kv := range w.env { // AWS_ENDPOINT_URL would have priority over [services local]
		if strings.HasPrefix(kv, "AWS_ENDPOINT_URL=") {
			w.env[i] = sts
		}
	}
	names := []string{"s3", "logs", "elbv2", "sso-oidc", "ec2"}
	for _, profile := range []string{"alice", "both", "ignoring"} {
		python := append([]string{"-c", endpointsProgram}, names...)
		direct := w.command("python3", python...)
		direct.Env = append(direct.Env, "AWS_PROFILE="+profile)
		want, err := direct.Output()
		if err != nil {
			t.Fatal(err)
		}
		flags := []string{"exec"}
		if profile == "ignoring" {
			// This profile also ignores AWS_ENDPOINT_URL_STS, so exec cannot request a session from the fake AWS.
			flags = append(flags, "--no-session")
		}
		if got := w.vault(append(append(flags, profile, "--", "python3"), python...)...); got != string(want) {
			t.Errorf("profile %s: exec has the endpoints\n%s\nwant\n%s", profile, got, want)
		}
	}
}
