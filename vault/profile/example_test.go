package profile_test

import (
	"fmt"

	"aws-vault/vault/profile"
)

// Resolve returns the settings of a profile. Each value has its origin, and a flag has priority
// over the file.
func Example() {
	file, err := profile.Parse("~/.aws/config", `[default]
region = eu-west-1

[profile alice]
mfa_serial = arn:aws:iam::123456789012:mfa/alice

[profile prod]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/admin
duration_seconds = 7200
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	flags := map[string]profile.Flag{"region": {Name: "--region", Text: "us-east-1"}}
	prod, err := file.Resolve("prod", profile.Inputs{Flags: flags})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, setting := range []string{"role_arn", "region", "duration_seconds"} {
		value := prod.Value(setting)
		fmt.Printf("%s = %s (%s)\n", setting, value.Text, value.Origin)
	}
	fmt.Printf("%s of its source, %s\n", prod.Source.Text("mfa_serial"), prod.Source.Name)
	// Output:
	// role_arn = arn:aws:iam::123456789012:role/admin (~/.aws/config:9)
	// region = us-east-1 (--region)
	// duration_seconds = 7200 (~/.aws/config:10)
	// arn:aws:iam::123456789012:mfa/alice of its source, alice
}

// An error names the place of the value, what was found and what was expected.
func ExampleFile_Resolve_invalid() {
	file, err := profile.Parse("~/.aws/config", "[profile prod]\nrole_arn = admin\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = file.Resolve("prod", profile.Inputs{})
	fmt.Println(err)
	// Output:
	// ~/.aws/config:2: role_arn is "admin", expected the ARN of a role, such as arn:aws:iam::123456789012:role/Admin
}

// An edit returns the new text of the file. Comments and the order of lines stay the same.
func ExampleWithProfile() {
	file, err := profile.Parse("~/.aws/config", "# ours\n[profile prod] # careful\nregion = eu-west-1\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := profile.WithProfile(file, "prod", []profile.Setting{{Name: "region", Value: "eu-north-1"}, {Name: "output", Value: "json"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", text)
	// Output:
	// # ours
	// [profile prod] # careful
	// region = eu-north-1
	// output = json
}
