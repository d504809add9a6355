package policy_test

import (
	"fmt"

	"aws-vault/vault/policy"
)

// A session policy that allows some actions can be combined with one that only denies actions.
func ExampleCombine() {
	own, err := policy.Parse(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}`, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	agents, err := policy.Parse(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "*", "Resource": "*"},
		{"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}]}`, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	both, err := policy.Combine(own, agents)
	fmt.Println(both.Inline, err)

	_, err = policy.Combine(own, policy.ReadOnly("aws"))
	fmt.Println(err)
	// Output:
	// {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Action":"s3:Delete*","Effect":"Deny","Resource":"*"}]} <nil>
	// two session policies that both list allowed actions cannot be combined, because AWS would allow the actions of either one
}

// The trust policy allows one user to assume the role with an MFA code and an external ID.
func ExampleTrust_Document() {
	text, err := policy.Trust{Principal: "arn:aws:iam::123456789012:user/alice", MFA: true, ExternalID: "x-1"}.Document()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(text)
	// Output:
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Effect": "Allow",
	//       "Principal": {
	//         "AWS": "arn:aws:iam::123456789012:user/alice"
	//       },
	//       "Action": [
	//         "sts:AssumeRole"
	//       ],
	//       "Condition": {
	//         "Bool": {
	//           "aws:MultiFactorAuthPresent": "true"
	//         },
	//         "StringEquals": {
	//           "sts:ExternalId": "x-1"
	//         }
	//       }
	//     }
	//   ]
	// }
}

func ExampleLint() {
	found, err := policy.Lint([]byte(`{"Version": "2012-10-17", "Statement": {
		"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range found {
		fmt.Printf("statement %d: %s: %s: %s\n", f.Statement, f.Severity, f.Rule, f.Text)
	}
	// Output:
	// statement 1: error: anybody: the principal is "*", and no condition limits the caller to an account, an organization or a principal: anyone with an AWS account can assume the role
}
