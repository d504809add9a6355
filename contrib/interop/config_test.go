//go:build interop && linux

package interop

import (
	"os/exec"
	"strings"
	"testing"
)

// callerProgram is a Python program that uses boto3 with the profile in AWS_PROFILE. It prints the ARN to which the
// credentials belong.
const callerProgram = `
import botocore.session
session = botocore.session.Session()
print(session.create_client("sts", region_name="eu-central-1").get_caller_identity()["Arn"])
`

// For each profile, aws-vault and botocore use the same credentials, or both refuse the profile.
func TestConfigAsBotocore(t *testing.T) {
	if err := exec.Command("python3", "-c", "import botocore.configprovider as c; c.ConfiguredEndpointProvider").Run(); err != nil {
		t.Skip("no botocore that reads endpoint URLs is here")
	}
	w := newWorld(t, "file", passphrase)
	const role = "role_arn = arn:aws:iam::123456789012:role/"
	key := "aws_access_key_id = " + w.Key.ID + "\naws_secret_access_key = " + w.Key.Secret + "\n"
	const portal = "sso_account_id = 123456789012\nsso_role_name = Dev\n"
	w.write(".aws/config", `[profile keys]
`+key+role+`hub
source_profile = nothing
[profile above-keys]
source_profile = keys
`+role+`readonly
role_session_name = alice
[profile nothing]
region = eu-central-1
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile other-portal]
sso_session = corp
sso_start_url = https://lab.awsapps.com/start
`+portal+`[profile other-region]
sso_session = corp
sso_region = us-east-1
`+portal+`[profile without-role]
sso_session = corp
sso_account_id = 123456789012
[profile two-sources]
source_profile = keys
credential_source = EcsContainer
`+role+`readonly
[profile half]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
[profile above-half]
source_profile = half
`+role+`readonly
`)
	for profile, want := range map[string]string{
		"above-keys":   "arn:aws:sts::123456789012:assumed-role/readonly/alice",
		"other-portal": "", "other-region": "", "without-role": "", "two-sources": "", "above-half": "",
	} {
		direct := w.command("python3", "-c", callerProgram)
		direct.Env = append(direct.Env, "AWS_PROFILE="+profile)
		boto, err := direct.Output()
		if got := strings.TrimSpace(string(boto)); got != want || (err != nil) != (want == "") {
			t.Errorf("profile %s: botocore is %q, %v, want %q", profile, got, err, want)
		}
		ours, err := w.command(w.program, "exec", profile, "--", "python3", "-c", callerProgram).Output()
		if got := strings.TrimSpace(string(ours)); got != want || (err != nil) != (want == "") {
			t.Errorf("profile %s: exec is %q, %v, want %q", profile, got, err, want)
		}
	}
}
