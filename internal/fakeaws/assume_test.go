package fakeaws

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

type assumeOption = func(*sts.AssumeRoleInput)

func lasting(d time.Duration) assumeOption {
	return func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(int32(d / time.Second)) }
}

func withMFA(m *MFA) assumeOption {
	return func(in *sts.AssumeRoleInput) {
		in.SerialNumber, in.TokenCode = aws.String(m.Serial()), aws.String(m.Code())
	}
}

func named(name string) assumeOption {
	return func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String(name) }
}

func external(id string) assumeOption {
	return func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String(id) }
}

func sourced(id string) assumeOption {
	return func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String(id) }
}

func tagged(key, value string) assumeOption {
	return func(in *sts.AssumeRoleInput) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
}

func transitive(keys ...string) assumeOption {
	return func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = keys }
}

// TestAssumeRole checks which callers may assume which roles, and for how long.
func TestAssumeRole(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	const root, anyone, guarded, strange = "arn:aws:iam::123456789012:role/root", "arn:aws:iam::123456789012:role/anyone",
		"arn:aws:iam::123456789012:role/guarded", "arn:aws:iam::123456789012:role/strange"
	a.AddRole(root, Role{Trusts: []string{"arn:aws:iam::123456789012:root"}})
	a.AddRole(anyone, Role{Trusts: []string{"*"}})
	a.AddRole(guarded, Role{Trusts: []string{"123456789012"}, ExternalID: "ticket-7", MaxSession: 2 * time.Hour})
	a.AddRole(strange, Role{Trusts: []string{"arn:aws:iam::210987654321:root"}})
	mallory := static(a.AddUser("666666666666", "mallory").AddKey())
	alice := static(w.Key)
	session := userSessionOf(t, a, w.Key, nil)
	role, err := assume(t, a, alice, w.ReadOnly)
	wantCode(t, err, "", "")
	const hour = "exceeds the 1 hour session limit for roles assumed by role chaining"

	for _, test := range []struct {
		name        string
		keys        aws.Credentials
		arn         string
		more        []assumeOption
		code, words string
	}{
		{"trusted user", alice, w.ReadOnly, nil, "", ""},
		{"stranger", mallory, w.ReadOnly, nil, "AccessDenied", "User: arn:aws:iam::666666666666:user/mallory is not authorized to perform: sts:AssumeRole on resource: " + w.ReadOnly},
		{"no such role", alice, "arn:aws:iam::123456789012:role/none", nil, "AccessDenied", "sts:AssumeRole"},
		{"account", alice, root, nil, "", ""},
		{"other account", alice, strange, nil, "AccessDenied", ""},
		{"anyone", mallory, anyone, nil, "", ""},
		{"not a role", alice, "arn:aws:iam::123456789012:user/alice", nil, "ValidationError", "is invalid"},
		{"short ARN", alice, "arn:aws:iam::1", nil, "ValidationError", "roleArn"},
		{"no external id", alice, guarded, nil, "AccessDenied", ""},
		{"wrong external id", alice, guarded, []assumeOption{external("ticket-8")}, "AccessDenied", ""},
		{"external id", alice, guarded, []assumeOption{external("ticket-7")}, "", ""},
		{"bad external id", alice, guarded, []assumeOption{external("ticket 7")}, "ValidationError", "externalId"},
		{"role's longest", alice, guarded, []assumeOption{external("ticket-7"), lasting(2 * time.Hour)}, "", ""},
		{"longer than the role", alice, guarded, []assumeOption{external("ticket-7"), lasting(2*time.Hour + time.Second)}, "ValidationError", "MaxSessionDuration"},
		{"longer than a default role", alice, w.ReadOnly, []assumeOption{lasting(2 * time.Hour)}, "ValidationError", "MaxSessionDuration"},
		{"12 h", alice, w.Long, []assumeOption{lasting(12 * time.Hour)}, "", ""},
		{"over 12 h", alice, w.Long, []assumeOption{lasting(13 * time.Hour)}, "ValidationError", "less than or equal to 43200"},
		{"under 15 min", alice, w.Long, []assumeOption{lasting(14 * time.Minute)}, "ValidationError", "greater than or equal to 900"},
		{"user session, 1 h", session, w.Long, []assumeOption{lasting(time.Hour)}, "", ""},
		{"user session, over 1 h", session, w.Long, []assumeOption{lasting(time.Hour + time.Second)}, "ValidationError", hour},
		{"chained, 1 h", role, root, []assumeOption{lasting(time.Hour)}, "", ""},
		{"chained, over 1 h", role, root, []assumeOption{lasting(2 * time.Hour)}, "ValidationError", hour},
		{"role session with a code", role, root, []assumeOption{withMFA(w.MFA)}, "AccessDenied", "unable to validate MFA code"},
		{"name of 64", alice, w.ReadOnly, []assumeOption{named(strings.Repeat("n", 64))}, "", ""},
		{"name of 65", alice, w.ReadOnly, []assumeOption{named(strings.Repeat("n", 65))}, "ValidationError", "roleSessionName"},
		{"name of 1", alice, w.ReadOnly, []assumeOption{named("n")}, "ValidationError", "roleSessionName"},
		{"name with a slash", alice, w.ReadOnly, []assumeOption{named("a/b")}, "ValidationError", "regular expression"},
		{"name with an umlaut", alice, w.ReadOnly, []assumeOption{named("müller")}, "ValidationError", "regular expression"},
		{"two mistakes", alice, w.ReadOnly, []assumeOption{named("a/b"), lasting(time.Second)}, "ValidationError", "2 validation errors detected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := assume(t, a, test.keys, test.arn, test.more...)
			wantCode(t, err, test.code, test.words)
		})
	}
}

func TestAssumedRoleIsNamedAsAWSDoes(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	const arn = "arn:aws-cn:iam::123456789012:role/team/deep/role"
	a.AddRole(arn, Role{Trusts: []string{"*"}})
	out, err := stsWith(a, static(w.Key)).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String("me@example.com")})
	wantCode(t, err, "", "")
	if got, want := *out.AssumedRoleUser.Arn, "arn:aws-cn:sts::123456789012:assumed-role/role/me@example.com"; got != want {
		t.Errorf("ARN is %s, want %s", got, want)
	}
	if id := *out.AssumedRoleUser.AssumedRoleId; !strings.HasPrefix(id, "AROA") || !strings.HasSuffix(id, ":me@example.com") {
		t.Errorf("id is %s", id)
	}
	c := out.Credentials
	if !strings.HasPrefix(*c.AccessKeyId, "ASIA") || len(*c.AccessKeyId) != 20 || len(*c.SecretAccessKey) != 40 || len(*c.SessionToken) < 200 {
		t.Errorf("credentials look like %s, %d and %d letters", *c.AccessKeyId, len(*c.SecretAccessKey), len(*c.SessionToken))
	}
}

// A role that requires MFA accepts a code in the call itself. It also accepts the code with which the caller's
// GetSessionToken session was created, if that code is not older than MFAMaxAge.
func TestRoleWithMFA(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	const recent = "arn:aws:iam::123456789012:role/recent"
	a.AddRole(recent, Role{Trusts: []string{w.Alice.ARN(), w.Hub}, RequireMFA: true, MFAMaxAge: 2 * time.Minute})
	plain := userSessionOf(t, a, w.Key, nil)
	coded := userSessionOf(t, a, w.Key, w.MFA)
	_, err := assume(t, a, static(w.Key), w.Hub)
	wantCode(t, err, "AccessDenied", "sts:AssumeRole")
	_, err = assume(t, a, plain, w.Hub)
	wantCode(t, err, "AccessDenied", "sts:AssumeRole")
	hub, err := assume(t, a, coded, w.Hub)
	wantCode(t, err, "", "")
	_, err = assume(t, a, hub, recent)
	wantCode(t, err, "AccessDenied", "sts:AssumeRole")
	_, err = assume(t, a, coded, recent)
	wantCode(t, err, "", "")
	a.Advance(3 * time.Minute)
	_, err = assume(t, a, coded, recent)
	wantCode(t, err, "AccessDenied", "sts:AssumeRole")
	_, err = assume(t, a, coded, w.Hub)
	wantCode(t, err, "", "")
	_, err = assume(t, a, static(w.Key), recent, withMFA(w.MFA))
	wantCode(t, err, "", "")
	_, err = assume(t, a, static(w.Key), recent, withMFA(w.MFA))
	wantCode(t, err, "AccessDenied", "invalid MFA one time pass code")
}

func TestTags(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	const open, closed, wanting = "arn:aws:iam::123456789012:role/open", "arn:aws:iam::123456789012:role/closed", "arn:aws:iam::123456789012:role/wanting"
	a.AddRole(open, Role{Trusts: []string{"*"}})
	a.AddRole(closed, Role{Trusts: []string{"*"}, DenyTagSession: true, DenySetSourceIdentity: true})
	a.AddRole(wanting, Role{Trusts: []string{"*"}, RequireTags: []string{"Team"}})
	alice := static(w.Key)
	base, err := assume(t, a, alice, open, tagged("Team", "blue"), tagged("Cost", "1"), transitive("Team"))
	wantCode(t, err, "", "")
	many := func(n int) assumeOption {
		return func(in *sts.AssumeRoleInput) {
			for i := range n {
				tagged(fmt.Sprint("k", i), "v")(in)
			}
		}
	}
	for _, test := range []struct {
		name        string
		keys        aws.Credentials
		arn         string
		more        []assumeOption
		code, words string
	}{
		{"50", alice, open, []assumeOption{many(50)}, "", ""},
		{"51", alice, open, []assumeOption{many(51)}, "ValidationError", "'tags'"},
		{"letters", alice, open, []assumeOption{tagged("Größe", "a b_.:/=+-@")}, "", ""},
		{"bad key", alice, open, []assumeOption{tagged("a*", "b")}, "ValidationError", "tags.member.key"},
		{"bad value", alice, open, []assumeOption{tagged("a", "b\n")}, "ValidationError", "tags.member.value"},
		{"long key", alice, open, []assumeOption{tagged(strings.Repeat("k", 129), "b")}, "ValidationError", "tags.member.key"},
		{"long value", alice, open, []assumeOption{tagged("k", strings.Repeat("v", 257))}, "ValidationError", "tags.member.value"},
		{"reserved", alice, open, []assumeOption{tagged("aws:x", "b")}, "InvalidParameterValue", "reserved"},
		{"twice", alice, open, []assumeOption{tagged("a", "b"), tagged("A", "c")}, "InvalidParameterValue", "Duplicate tag keys"},
		{"transitive without a tag", alice, open, []assumeOption{tagged("a", "b"), transitive("c")}, "InvalidParameterValue", "transitive"},
		{"no permission", alice, closed, []assumeOption{tagged("a", "b")}, "AccessDenied", "sts:TagSession"},
		{"no tags, no permission needed", alice, closed, nil, "", ""},
		{"asked for and missing", alice, wanting, nil, "AccessDenied", "sts:AssumeRole"},
		{"asked for and there", alice, wanting, []assumeOption{tagged("team", "red")}, "", ""},
		{"asked for and inherited", base, wanting, nil, "", ""},
		{"inherited into a role that takes no tags", base, closed, nil, "AccessDenied", "sts:TagSession"},
		{"transitive set again", base, open, []assumeOption{tagged("team", "red")}, "InvalidParameterValue", "conflicts with a transitive tag key"},
		{"other set again", base, open, []assumeOption{tagged("Cost", "2")}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := assume(t, a, test.keys, test.arn, test.more...)
			wantCode(t, err, test.code, test.words)
		})
	}
	t.Run("what is passed on", func(t *testing.T) {
		next, err := assume(t, a, base, open, tagged("Own", "x"))
		wantCode(t, err, "", "")
		a.mu.Lock()
		defer a.mu.Unlock()
		s := a.sessions[next.AccessKeyID]
		if want := map[string]string{"Team": "blue", "Own": "x"}; !maps.Equal(s.tags, want) || !s.transitive["Team"] || s.transitive["Own"] {
			t.Errorf("tags are %v, transitive %v; want %v", s.tags, s.transitive, want)
		}
	})
}

func TestSourceIdentity(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	const open, closed, wanting = "arn:aws:iam::123456789012:role/open", "arn:aws:iam::123456789012:role/closed", "arn:aws:iam::123456789012:role/wanting"
	a.AddRole(open, Role{Trusts: []string{"*"}})
	a.AddRole(closed, Role{Trusts: []string{"*"}, DenySetSourceIdentity: true})
	a.AddRole(wanting, Role{Trusts: []string{"*"}, RequireSourceIdentity: true})
	alice := static(w.Key)
	base, err := assume(t, a, alice, open, sourced("alice@example.com"))
	wantCode(t, err, "", "")
	for _, test := range []struct {
		name        string
		keys        aws.Credentials
		arn         string
		more        []assumeOption
		code, words string
	}{
		{"missing", alice, wanting, nil, "AccessDenied", ""},
		{"there", alice, wanting, []assumeOption{sourced("alice")}, "", ""},
		{"inherited", base, wanting, nil, "", ""},
		{"the same again", base, open, []assumeOption{sourced("alice@example.com")}, "", ""},
		{"changed", base, open, []assumeOption{sourced("bob")}, "AccessDenied", "cannot be changed"},
		{"no permission", alice, closed, []assumeOption{sourced("alice")}, "AccessDenied", "sts:SetSourceIdentity"},
		{"inherited without permission", base, closed, nil, "AccessDenied", "sts:SetSourceIdentity"},
		{"bad letters", alice, open, []assumeOption{sourced("a b")}, "ValidationError", "sourceIdentity"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := assume(t, a, test.keys, test.arn, test.more...)
			wantCode(t, err, test.code, test.words)
		})
	}
}
