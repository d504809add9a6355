package plan_test

import (
	"fmt"
	"time"

	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// A plan is made from a profile and the holdings. Planning makes no calls, and it sees only the
// fingerprint of the stored key.
func Example() {
	file, err := profile.Parse("~/.aws/config", `[default]
mfa_serial = arn:aws:iam::123456789012:mfa/alice

[profile prod]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/admin
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	prod, err := file.Resolve("prod", profile.Inputs{})
	if err != nil {
		fmt.Println(err)
		return
	}
	holdings := plan.Holdings{Keys: map[string]string{"alice": "fingerprint of the stored key"}}
	p, err := plan.Make(prod, holdings, plan.Options{SessionName: "aws-vault-alice"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, step := range p.Steps {
		fmt.Printf("%d. %s of profile %s", i+1, step.Kind, step.Profile)
		if step.MFA.Serial != "" {
			fmt.Print(", with an MFA code")
		}
		if step.Duration > 0 {
			fmt.Printf(", for %s", step.Duration)
		}
		fmt.Println()
	}
	// Output:
	// 1. stored key of profile alice
	// 2. session token of profile alice, with an MFA code, for 8h0m0s
	// 3. assume role of profile prod, for 1h0m0s
}

// AWS limits a role session to one hour if the role is assumed with temporary credentials. The plan
// reports this before AWS is called.
func ExampleMake_chained() {
	file, err := profile.Parse("~/.aws/config", `[profile hub]
credential_process = print-keys
role_arn = arn:aws:iam::123456789012:role/hub
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	hub, err := file.Resolve("hub", profile.Inputs{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := plan.Make(hub, plan.Holdings{}, plan.Options{SessionName: "aws-vault-alice", Duration: 4 * time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Last().Duration)
	fmt.Println(p.Notes[0])
	// Output:
	// 1h0m0s
	// the session of role hub lasts 1h, not 4h: AWS allows no more for a role that is assumed with temporary credentials
}
