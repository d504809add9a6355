package plan

import (
	"fmt"
	"testing"
	"time"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// Every version must find the sessions that earlier versions cached. If a digest changes here,
// every user has to sign in again, and the version text in Digest must change too.
func TestDigestIsStable(t *testing.T) {
	p := Plan{Steps: []Step{
		{Kind: KindStoredKey, Profile: "m", Spec: StoredKey{Name: "m", Fingerprint: "f"}},
		{Kind: KindSessionToken, MFA: MFA{Serial: "arn:aws:iam::123456789012:mfa/alice"}, Region: "eu-west-1", Duration: time.Hour, Spec: SessionToken{}},
		{Kind: KindAssumeRole, Region: "eu-west-1", Duration: time.Hour, Policy: policy.Policy{ARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}},
			Spec: AssumeRole{ARN: "arn:aws:iam::123456789012:role/r", SessionName: "aws-vault-alice", Tags: []profile.Tag{{Key: "a", Value: "b"}}}},
	}}
	for i, want := range []Digest{
		"f2f724064f47266c2dbc5cbee4def279",
		"f69eadf8b5780bbd97261279dcba5830",
		"5079f2ceb483e43e59d16912aa983546",
	} {
		if got := p.Digest(i); got != want {
			t.Errorf("digest of step %d is %s, want %s", i, got, want)
		}
	}
	if got, want := p.Digest(1).ForDuration(time.Hour), Digest("a94df0b525ad18e4f641d7eb2e753319"); got != want {
		t.Errorf("digest of a duration is %s, want %s", got, want)
	}
}

// A role that is assumed with the access key in the environment has the same digest as in the first
// version of aws-vault.
func TestEnvironmentDigestIsStable(t *testing.T) {
	p := Plan{Steps: []Step{
		{Kind: KindEnvironment, Profile: "m", Spec: CredentialSource{Source: "Environment", Fingerprint: "f"}},
		{Kind: KindAssumeRole, Region: "eu-west-1", Duration: time.Hour, Spec: AssumeRole{ARN: "arn:aws:iam::123456789012:role/r", SessionName: "aws-vault-alice"}},
	}}
	if got, want := p.Digest(1), Digest("60c601daf5797d033a58a7ec567d2d05"); got != want {
		t.Errorf("digest is %s, want %s", got, want)
	}
}

// Two different specs have different digests, even if joining their texts results in the same text.
func TestDigestsAreDistinct(t *testing.T) {
	digests := map[Digest]string{}
	for _, r := range []AssumeRole{
		{ARN: "ab", SessionName: "c"},
		{ARN: "a", SessionName: "bc"},
		{TransitiveTags: []string{"a", "b"}},
		{TransitiveTags: []string{"ab"}},
		{Tags: []profile.Tag{{Key: "a", Value: "b"}}},
		{Tags: []profile.Tag{{Key: "a"}, {Key: "b"}}},
		{ExternalID: "a"},
		{SourceIdentity: "a"},
	} {
		d := Plan{Steps: []Step{{Spec: r}}}.Digest(0)
		if other, ok := digests[d]; ok {
			t.Errorf("%+v and %s have the same digest", r, other)
		}
		digests[d] = fmt.Sprintf("%+v", r)
	}
	one := Plan{Steps: []Step{{Spec: AssumeRole{Tags: []profile.Tag{{Key: "a"}, {Key: "b"}}, TransitiveTags: []string{"a", "b"}}}}}
	two := Plan{Steps: []Step{{Spec: AssumeRole{Tags: []profile.Tag{{Key: "b"}, {Key: "a"}}, TransitiveTags: []string{"b", "a"}}}}}
	if one.Digest(0) != two.Digest(0) {
		t.Error("the order of tags changes the digest")
	}
}
