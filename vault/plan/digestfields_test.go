package plan

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aws-vault/vault/partition"
)

// excluded lists the fields of steps and specs that do not change the digest, each with the reason.
// All other fields must change the digest. This also applies to fields that are added later.
var excluded = map[string]string{
	"Step.Yields.Principal":     "follows from the kind and the spec",
	"Step.Yields.Temporary":     "follows from the kind and the spec",
	"Step.Cacheable":            "follows from the kind",
	"Step.MaxAge":               "decides whether a cached session is recent enough, not what it is",
	"Step.Why":                  "a reason",
	"Step.Settings":             "a reason",
	"Step.Endpoint.Origin":      "a reason",
	"CredentialSource.Origin":   "a reason",
	"Step.Endpoint.PlainHTTP":   permission,
	"Step.Endpoint.MaxAttempts": tries,
	"Step.Endpoint.RetryMode":   tries,
	"Step.UnusedMFA.Serial":     "a reason",
	"Step.UnusedMFA.Profile":    "a reason",
	"Step.MFA.Process":          "how the code is read does not change what it opens (decision 8)",
	"Step.MFA.Device":           "how the code is read does not change what it opens (decision 8)",

	"StoredKey.Name":  "a session belongs to the key, whatever its name",
	"StaticKey.Where": "a session belongs to the key, wherever it is stored",

	"OIDCRole.OIDC.Flow":           "how you sign in does not change who you are: the subject is in the digest",
	"OIDCRole.OIDC.Ports":          "how you sign in does not change who you are: the subject is in the digest",
	"SSORole.SSO.OIDC.Origin":      "a reason",
	"SSORole.SSO.OIDC.PlainHTTP":   permission,
	"SSORole.SSO.OIDC.MaxAttempts": tries,
	"SSORole.SSO.OIDC.RetryMode":   tries,
}

// excludedFrom lists fields that do not change the digest of some steps. For each field, the function in its entry
// reports whether step s is such a step.
var excludedFrom = []struct {
	field, reason string
	of            func(s Step, last bool) bool
}{
	{"Step.Duration", "a user's cached session also serves requests for a shorter time (decision 8)", func(s Step, _ bool) bool { return s.Kind == KindSessionToken }},
	{"Step.Profile", "profiles that ask for the same share a session, unless a program can go by the name (decision 8)", func(s Step, _ bool) bool { return !s.runsProgram() }},
	{"Step.CallerFingerprint", "the output of a step is the content of its own session; only later steps depend on it", func(_ Step, last bool) bool { return last }},
}

// sessionInputs returns a text with all values of step s that a session depends on. It does not use the encoder
// that computes digests. If last is true, step s itself creates the session. Otherwise, a later step of the plan
// creates the session.
func sessionInputs(s Step, last bool) string {
	var b strings.Builder
	var write func(path string, v reflect.Value)
	write = func(path string, v reflect.Value) {
		if _, out := excluded[path]; out {
			return
		}
		for _, l := range excludedFrom {
			if l.field == path && l.of(s, last) {
				return
			}
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				write(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Interface:
			fmt.Fprintf(&b, "%s is a %s\n", path, v.Elem().Type().Name())
			write(v.Elem().Type().Name(), v.Elem())
		case reflect.Slice: // a list of strings or tags: their order does not matter
			var all []string
			for i := range v.Len() {
				all = append(all, fmt.Sprintf("%q", fmt.Sprintf("%q", v.Index(i).Interface())))
			}
			slices.Sort(all)
			fmt.Fprintf(&b, "%s = %d %s\n", path, len(all), all)
		default:
			value := fmt.Sprint(v.Interface())
			if path == "Step.Region" && s.Kind == KindSessionToken {
				value = partition.Of(s.Region) // a session token works in every region of its partition (decision 7)
			}
			fmt.Fprintf(&b, "%s = %q\n", path, value)
		}
	}
	write("Step", reflect.ValueOf(s))
	return b.String()
}

// sessionInputsTo returns a text with all values that the session of the i-th step depends on. Values
// of earlier steps are included.
func (p Plan) sessionInputsTo(i int) string {
	var b strings.Builder
	for j, s := range p.Steps[:i+1] {
		fmt.Fprintf(&b, "step %d\n%s", j+1, sessionInputs(s, j == i))
	}
	return b.String()
}

// specs has one spec of each kind.
var specs = []Spec{
	StoredKey{}, StaticKey{}, CredentialSource{}, Process{}, WebIdentity{}, OIDCRole{}, IdentityRole{}, RolesAnywhere{}, SSORole{}, Login{}, SessionToken{}, AssumeRole{}, FederationToken{},
}

// Every kind of spec must be in specs, so that the digest tests cover it.
func TestSpecListIsComplete(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	methods := map[string]int{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			m, ok := d.(*ast.FuncDecl)
			if ok && m.Recv != nil && (m.Name.Name == "encode" || m.Name.Name == "Args") {
				methods[fmt.Sprint(m.Recv.List[0].Type)]++
			}
		}
	}
	maps.DeleteFunc(methods, func(_ string, n int) bool { return n < 2 })
	var names []string
	for _, s := range specs {
		names = append(names, reflect.TypeOf(s).Name())
	}
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(methods)); !slices.Equal(got, names) {
		t.Errorf("the package has the specs %v, but the tests cover %v", got, names)
	}
}

// Every name in excluded and excludedFrom must be the name of a field. When a field is renamed, this test shows
// that its name in these lists must change too.
func TestExcludedFieldsExist(t *testing.T) {
	known := map[string]bool{}
	note := func(path string, _ reflect.Value) { known[path] = true }
	eachChange(reflect.ValueOf(Step{Spec: SessionToken{}}), "Step", note)
	for _, s := range specs {
		eachChange(reflect.ValueOf(s), reflect.TypeOf(s).Name(), note)
	}
	for path, reason := range excluded {
		if !known[path] || reason == "" {
			t.Errorf("%s is excluded because %q, but there is no such field or no reason", path, reason)
		}
	}
	for _, l := range excludedFrom {
		if !known[l.field] || l.reason == "" {
			t.Errorf("%s is excluded because %q, but there is no such field or no reason", l.field, l.reason)
		}
	}
}

// Each field of a spec or step changes the digest, except for the fields in excluded and excludedFrom.
func TestEveryFieldChangesDigest(t *testing.T) {
	check := func(field string, before, after Step) {
		t.Helper()
		next := Step{Kind: KindAssumeRole, Spec: AssumeRole{ARN: "r"}}
		for i := range 2 {
			one, other := Plan{Steps: []Step{before, next}}, Plan{Steps: []Step{after, next}}
			if same := one.sessionInputsTo(i) == other.sessionInputsTo(i); (one.Digest(i) == other.Digest(i)) != same {
				t.Errorf("changing %s of a %s changes digest %d: %v, excluded: %v", field, before.Kind, i, !same, same)
			}
		}
	}
	for _, spec := range specs {
		eachChange(reflect.ValueOf(spec), reflect.TypeOf(spec).Name(), func(field string, changed reflect.Value) {
			check(field, Step{Spec: spec}, Step{Spec: changed.Interface().(Spec)})
		})
	}
	for _, s := range []Step{
		{Kind: KindAssumeRole, Spec: AssumeRole{}}, {Kind: KindProcess, Spec: Process{}}, {Kind: KindWebIdentity, Spec: WebIdentity{TokenProcess: "t"}},
		{Kind: KindSessionToken, Region: "eu-west-1", Spec: SessionToken{}}, {Kind: KindContainer, Spec: CredentialSource{}},
	} {
		eachChange(reflect.ValueOf(s), "Step", func(field string, changed reflect.Value) { check(field, s, changed.Interface().(Step)) })
		for _, region := range []string{"us-east-1", "cn-north-1"} {
			moved := s
			moved.Region = region
			check("Step.Region", s, moved)
		}
	}
}

// eachChange calls f once for each field of v, at any depth. f receives the field's path and a copy of
// v in which that field has a different value.
func eachChange(v reflect.Value, path string, f func(string, reflect.Value)) {
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
			eachChange(field, name, func(n string, x reflect.Value) { f(n, set(x)) })
		case reflect.Interface:
			f(name, set(reflect.ValueOf(StoredKey{Fingerprint: "changed"})))
			eachChange(field.Elem(), field.Elem().Type().Name(), func(n string, x reflect.Value) { f(n, set(x)) })
		default:
			f(name, set(changed(field)))
		}
	}
}

// changed returns a different value of the same type as v.
func changed(v reflect.Value) reflect.Value {
	x := reflect.New(v.Type()).Elem()
	x.Set(v)
	switch v.Kind() {
	case reflect.String:
		x.SetString(v.String() + "changed")
	case reflect.Bool:
		x.SetBool(!v.Bool())
	case reflect.Int64, reflect.Int:
		x.SetInt(v.Int() + 1_000_000_000)
	case reflect.Slice:
		x.Set(reflect.Append(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, 0), v), reflect.Zero(v.Type().Elem())))
	default:
		panic(fmt.Sprintf("cannot change a value of type %s", v.Type()))
	}
	return x
}
