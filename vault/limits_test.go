package vault_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
)

var agent = policy.Agent{Name: "goose", Variable: "AGENT"}

const anyRole = "role_arn = arn:aws:iam::123456789012:role/readonly\n"

// Policies are read where their names lead to: a section, a file, a file that a section names.
func TestLimitsAreRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file://" + path
	}
	text := `{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`
	w := newWorld(t, "[session-policy here]\npolicy = "+text+"\n[session-policy there]\npolicy = "+write("there", text)+
		"\n[session-policy gone]\npolicy = file://"+dir+"/gone\n[session-policy bad]\npolicy_arns = x\n[session-policy arns]\npolicy_arns = arn:aws:iam::aws:policy/SecurityAudit\n"+
		"[profile m]\n[profile r]\nsource_profile = m\nagent_access = there\n"+anyRole)
	w.store(t, "m")
	for name, want := range map[string]string{
		"here": text, "there": text, write("file", " "+text+"\n"): text, "arns": "arn:aws:iam::aws:policy/SecurityAudit",
	} {
		pl, err := w.Plan(t.Context(), "r", plan.Options{Limits: []string{name}, Name: "n"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := pl.Last().Policy; got.Inline+strings.Join(got.ARNs, "") != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if pl, err := w.Plan(t.Context(), "r", plan.Options{Agent: agent, Name: "n"}); err != nil || pl.Last().Policy.Inline != text {
		t.Errorf("an agent: %+v, %v", pl.Last().Policy, err)
	}
	for name, want := range map[string]error{"gone": fs.ErrNotExist, "file://" + dir + "/gone": fs.ErrNotExist, "nowhere": plan.ErrNoPolicy} {
		if _, err := w.Plan(t.Context(), "r", plan.Options{Limits: []string{name}}); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var value *profile.ValueError
	if _, err := w.Plan(t.Context(), "r", plan.Options{Limits: []string{"bad"}}); !errors.As(err, &value) {
		t.Errorf("bad: %v", err)
	}
	w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"] = w.Key.ID, w.Key.Secret
	if pl, err := w.PlanEnvironment(plan.Options{For: plan.Console, Limits: []string{"there"}}); err != nil || pl.Last().Policy.Inline != text {
		t.Errorf("the environment: %+v, %v", pl, err)
	}
	if _, err := w.PlanEnvironment(plan.Options{For: plan.Console, Limits: []string{"gone"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the environment: %v", err)
	}
}

// AWS holds an agent's session to its policy: it assumes no further role, where a person's
// does, though the roles that led to it could.
func TestAgentGoesNoFurther(t *testing.T) {
	w := newWorld(t, "[profile m]\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n[profile hub]\nsource_profile = m\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\nrole_arn = arn:aws:iam::123456789012:role/hub\n"+
		"[profile prod]\nsource_profile = hub\nrole_arn = arn:aws:iam::210987654321:role/prod\n")
	w.store(t, "m")
	further := func(creds aws.Credentials) error {
		_, err := w.Source.Make(t.Context(), plan.Step{
			Kind: plan.KindAssumeRole, Region: "us-east-1", Endpoint: plan.Endpoint{URL: w.aws.URL()}, Spec: plan.AssumeRole{ARN: w.Prod, SessionName: "further"},
		}, creds)
		return err
	}
	creds, err := w.credentials(t, "hub", plan.Options{})
	if err != nil || further(creds) != nil {
		t.Fatal(err)
	}
	w.aws.Reset()
	if creds, err = w.credentials(t, "hub", plan.Options{Agent: agent}); err != nil {
		t.Fatal(err)
	}
	var refused *source.APIError
	if err := further(creds); !errors.As(err, &refused) || refused.Code != "AccessDenied" {
		t.Errorf("got %v", err)
	}
	if _, err = w.credentials(t, "prod", plan.Options{Agent: agent}); err != nil {
		t.Fatal(err)
	}
	const tags = " tag=aws-vault:AccessType:ai tag=aws-vault:Agent:goose transitive=aws-vault:AccessType transitive=aws-vault:Agent"
	want := []string{ // no second code: the user's session is the person's
		"AssumeRole hub duration=3600" + tags + " policy=arn:aws:iam::aws:policy/ReadOnlyAccess by=session/alice",
		"AssumeRole prod session=further by=role/hub refused=AccessDenied",
		"AssumeRole hub duration=3600" + tags + " policy=inline by=session/alice",
		"AssumeRole prod duration=3600 policy=arn:aws:iam::aws:policy/ReadOnlyAccess by=role/hub",
	}
	if got := w.calls(); !slices.Equal(got, want) || w.asked != 1 {
		t.Errorf("asked %d times, calls\n%s\nwant\n%s", w.asked, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
