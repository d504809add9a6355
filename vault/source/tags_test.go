package source

import (
	"testing"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// If a role's trust policy refuses session tags, the error names the role. The call is not repeated without tags.
func TestTagsAreRefused(t *testing.T) {
	for agent, role := range map[string]fakeaws.Role{
		"goose": {Trusts: []string{"*"}, DenyTagSession: true},
		"":      {Trusts: []string{"*"}, DenyTagSession: true},
	} {
		r := newFixture(t)
		const arn = "arn:aws:iam::123456789012:role/plain"
		r.aws.AddRole(arn, role)
		s := r.readOnly()
		spec := s.Spec.(plan.AssumeRole)
		spec.ARN, spec.Tags = arn, []profile.Tag{{Key: "aws-vault:Agent", Value: "goose"}}
		s.Spec, s.Agent = spec, agent
		e := failAs[*TagsRefusedError](r, s)
		if e.Role != arn || e.Agent != (agent != "") || e.Err.Code != "AccessDenied" {
			t.Errorf("got %+v", e)
		}
		r.wantText(e, "session tags are not allowed for role "+arn, "lacks sts:TagSession", "AWS returned AccessDenied")
		r.wantCalls(1)
	}
	r := newFixture(t)
	const arn = "arn:aws:iam::123456789012:role/closed"
	r.aws.AddRole(arn, fakeaws.Role{})
	s := r.readOnly()
	spec := s.Spec.(plan.AssumeRole)
	spec.ARN = arn
	s.Spec = spec
	failAs[*awsapi.APIError](r, s)
}
