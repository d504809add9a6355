package fakeaws

import (
	"bytes"
	"compress/flate"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The size limits of policies and tags. AWS does not document how it packs policies and tags; the fake uses
// deflate.
const (
	mostPolicyText = 2048
	mostPolicyARNs = 10
	mostPacked     = 2048
)

// managedPolicies returns the AWS managed policies that the fake knows. The keys of the map have the form that
// policyName returns. The fake's versions of the policies contain only a few actions.
func managedPolicies() map[string]policy {
	known := map[string]string{
		"AdministratorAccess":         `{"Effect":"Allow","Action":"*","Resource":"*"}`,
		"PowerUserAccess":             `{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}`,
		"ReadOnlyAccess":              `{"Effect":"Allow","Action":["iam:Get*","iam:List*","s3:Get*","s3:List*","ec2:Describe*"],"Resource":"*"}`,
		"SecurityAudit":               `{"Effect":"Allow","Action":["iam:Get*","iam:List*","ec2:Describe*"],"Resource":"*"}`,
		"job-function/ViewOnlyAccess": `{"Effect":"Allow","Action":["iam:List*","s3:List*","ec2:Describe*"],"Resource":"*"}`,
	}
	policies := map[string]policy{}
	for name, text := range known {
		p, err := parsePolicy(`{"Version":"2012-10-17","Statement":` + text + `}`)
		if err == nil {
			policies["aws:policy/"+name] = p
		}
	}
	return policies
}

// AddPolicy adds a customer managed policy. Calls can then limit a session with the ARN of the policy.
func (a *AWS) AddPolicy(arn, document string) error {
	p, err := parsePolicy(document)
	if err != nil {
		return fmt.Errorf("policy %s: %w", arn, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.policies[policyName(arn)] = p
	return nil
}

// policyName returns the part of a managed policy's ARN that is the same in all partitions:
// account:policy/path/name.
func policyName(arn string) string {
	fields, _ := arnFields(arn)
	return fields[4] + ":" + fields[5]
}

// readLimit reads the parameters Policy and PolicyArns for a session in the account. It returns nil if both are
// missing.
func (a *AWS) readLimit(c *checks, account string) (*limit, error) {
	var out limit
	arns := members(c.params, "PolicyArns", "arn")
	inline := c.optional("Policy", 1, mostPolicyText, policyAlphabet)
	if len(arns) > mostPolicyARNs {
		c.fail("policyArns", "policyArns", fmt.Sprintf("have length less than or equal to %d", mostPolicyARNs))
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	for _, arn := range arns {
		p, ok := a.policies[policyName(arn[0])]
		if at := accountOf(arn[0]); !ok || at != account && at != "aws" {
			// AWS's API model does not list this error code, but AWS has returned it.
			return nil, refuse(400, "MalformedPolicyDocument", "Policy %s does not exist or is not attachable", arn[0])
		}
		out.policies = append(out.policies, p)
	}
	if inline != "" {
		p, err := parsePolicy(inline)
		if err != nil {
			return nil, err
		}
		out.policies = append(out.policies, p)
	}
	if percent := packedSize(c.params); percent > 100 {
		return nil, refuse(400, "PackedPolicyTooLarge", "Packed size of session tags and session policies consumes %d%% of allotted space.", percent)
	}
	if len(out.policies) == 0 {
		return nil, nil
	}
	return &out, nil
}

// packedSize returns the packed size of the policies and tags in a call, as a percentage of the maximum.
func packedSize(params url.Values) int {
	var parts []string
	for _, tag := range members(params, "Tags", "Key", "Value") {
		parts = append(parts, tag...)
	}
	for _, arn := range members(params, "PolicyArns", "arn") {
		parts = append(parts, arn...)
	}
	slices.Sort(parts)
	text := params.Get("Policy") + strings.Join(parts, "\n")
	if text == "" {
		return 0
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return 0 // not reached: flate accepts the level, which is a constant
	}
	fmt.Fprint(w, text)
	w.Close()
	return (packed.Len()*100 + mostPacked - 1) / mostPacked
}
