package plan

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// A digest that was written by one version is looked for by the next: a change here
// makes every user sign in again, and needs a new version in Digest.
func TestDigestStays(t *testing.T) {
	p := Plan{Steps: []Step{
		{Kind: KindStoredKey, Profile: "m", Spec: StoredKey{Name: "m", Fingerprint: "f"}},
		{Kind: KindSessionToken, MFA: MFA{Serial: "arn:aws:iam::123456789012:mfa/alice"}, Region: "eu-west-1", Lasts: time.Hour, Spec: SessionToken{}},
		{Kind: KindAssumeRole, Region: "eu-west-1", Lasts: time.Hour, Policy: policy.Policy{ARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}},
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
	if got, want := p.Digest(1).Lasting(time.Hour), Digest("a94df0b525ad18e4f641d7eb2e753319"); got != want {
		t.Errorf("digest of a duration is %s, want %s", got, want)
	}
}

// unhashed are the fields that do not make another session, with the reason.
var unhashed = map[string]string{
	"StoredKey.Name":           "a session belongs to the key, whatever it is called",
	"RolesAnywhere.PrivateKey": "the key is the one that the certificate is of, wherever it lies",
	"StaticKey.Where":          "a session belongs to the key, wherever it stands",
	"Step.Profile":             "profiles that ask for the same share a session",
	"Step.Yields.Who":          "follows from the kind",
	"Step.Yields.Temporary":    "follows from the kind",
	"Step.MaxAge":              "limits which kept session serves, not what it is",
	"Step.Keep":                "follows from the kind",
	"Step.Why":                 "words",
	"Step.From":                "words",
	"Step.MFA.Process":         "how the code is had does not change what it opens",
	"Step.MFA.Device":          "how the code is had does not change what it opens",
	"Step.Endpoint.CABundle":   "decides whom a call trusts, not what the answer is worth",
	"Step.Endpoint.Origin":     "words",

	"OIDCRole.OIDC.Flow":     "the way to sign in does not change who has",
	"OIDCRole.OIDC.Ports":    "the way to sign in does not change who has",
	"OIDCRole.OIDC.CABundle": "decides whom a call trusts, not what the answer is worth",

	"SSORole.SSO.OIDC.CABundle": "decides whom a call trusts, not what the answer is worth",
	"SSORole.SSO.OIDC.Origin":   "words",
}

// Any field of any Spec or Step that changes makes another digest, but for those that
// are excused above.
func TestEveryFieldCounts(t *testing.T) {
	for _, spec := range []Spec{
		StoredKey{}, StaticKey{}, CredentialSource{}, Process{}, WebIdentity{}, OIDCRole{}, IdentityRole{}, RolesAnywhere{}, SSORole{}, Login{}, SessionToken{}, AssumeRole{}, FederationToken{},
	} {
		name := reflect.TypeOf(spec).Name()
		before := onTop(Step{Spec: spec})
		each(reflect.ValueOf(spec), name, func(field string, changed reflect.Value) {
			check(t, field, before, onTop(Step{Spec: changed.Interface().(Spec)}))
		})
	}
	step := Step{Kind: KindAssumeRole, Spec: SessionToken{}}
	before := onTop(step)
	each(reflect.ValueOf(step), "Step", func(field string, changed reflect.Value) {
		check(t, field, before, onTop(changed.Interface().(Step)))
	})
	session := Step{Kind: KindSessionToken, Region: "eu-west-1", Spec: SessionToken{}}
	other, far := session, session
	other.Region, other.Lasts, far.Region = "us-east-1", time.Hour, "cn-north-1"
	digest := func(s Step) Digest { return Plan{Steps: []Step{s}}.Digest(0) }
	if digest(session) != digest(other) {
		t.Error("a user's session is not shared between regions and durations")
	}
	if digest(session) == digest(far) {
		t.Error("a user's session is shared between partitions")
	}
}

// onTop is the digest of a role that is assumed with what the step gives.
func onTop(s Step) Digest {
	return Plan{Steps: []Step{s, {Kind: KindAssumeRole, Spec: AssumeRole{ARN: "r"}}}}.Digest(1)
}

func check(t *testing.T, field string, before, after Digest) {
	t.Helper()
	_, excused := unhashed[field]
	if (before == after) != excused {
		t.Errorf("changing %s changes the digest: %v, excused: %v", field, before != after, excused)
	}
}

// each calls f with copies of v in which one field was changed, at any depth.
func each(v reflect.Value, path string, f func(string, reflect.Value)) {
	for i := range v.NumField() {
		field, name := v.Field(i), path+"."+v.Type().Field(i).Name
		set := func(x reflect.Value) reflect.Value {
			c := reflect.New(v.Type()).Elem()
			c.Set(v)
			c.Field(i).Set(x)
			return c
		}
		switch field.Kind() {
		case reflect.Struct:
			each(field, name, func(n string, x reflect.Value) { f(n, set(x)) })
		case reflect.Interface:
			f(name, set(reflect.ValueOf(StoredKey{Fingerprint: "changed"})))
		default:
			f(name, set(changed(field)))
		}
	}
}

func changed(v reflect.Value) reflect.Value {
	x := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		x.SetString(v.String() + "changed")
	case reflect.Bool:
		x.SetBool(!v.Bool())
	case reflect.Int64:
		x.SetInt(v.Int() + int64(time.Second))
	case reflect.Slice:
		x.Set(reflect.MakeSlice(v.Type(), 1, 1))
	default:
		panic(fmt.Sprintf("no way to change a %s", v.Type()))
	}
	return x
}

// Two lists that look alike when they are strung together are told apart.
func TestNoTwoLookAlike(t *testing.T) {
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
			t.Errorf("%+v and %s have one digest", r, other)
		}
		digests[d] = fmt.Sprintf("%+v", r)
	}
	one := Plan{Steps: []Step{{Spec: AssumeRole{Tags: []profile.Tag{{Key: "a"}, {Key: "b"}}, TransitiveTags: []string{"a", "b"}}}}}
	two := Plan{Steps: []Step{{Spec: AssumeRole{Tags: []profile.Tag{{Key: "b"}, {Key: "a"}}, TransitiveTags: []string{"b", "a"}}}}}
	if one.Digest(0) != two.Digest(0) {
		t.Error("the order of tags makes another session")
	}
}
