package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/testvault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
)

var agent = policy.Agent{Name: "goose", Variable: "AGENT"}

const anyRole = "role_arn = arn:aws:iam::123456789012:role/readonly\n"

// TestPolicyLimits checks the three sources of a session policy: a section, a file, and a section that names a
// file.
func TestPolicyLimits(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file://" + path
	}
	text := `{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`
	w := testvault.New(t, "[session-policy here]\npolicy = "+text+"\n[session-policy there]\npolicy = "+write("there", text)+
		"\n[session-policy missing]\npolicy = file://"+dir+"/missing\n[session-policy bad]\npolicy_arns = x\n[session-policy arns]\npolicy_arns = arn:aws:iam::aws:policy/SecurityAudit\n"+
		"[profile m]\n[profile r]\nsource_profile = m\nagent_access = there\n"+anyRole)
	w.StoreKey(t, "m")
	for name, want := range map[string]string{
		"here": text, "there": text, write("file", " "+text+"\n"): text, "arns": "arn:aws:iam::aws:policy/SecurityAudit",
	} {
		pl, err := w.Plan(t.Context(), "r", plan.Options{Limits: []string{name}, SessionName: "n"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := pl.Last().Policy; got.Inline+strings.Join(got.ARNs, "") != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if pl, err := w.Plan(t.Context(), "r", plan.Options{Agent: agent, SessionName: "n"}); err != nil || pl.Last().Policy.Inline != text {
		t.Errorf("for an agent: %+v, %v", pl.Last().Policy, err)
	}
	rules, err := profile.Parse("config", "[session-policy there]\npolicy = "+write("there", text)+"\n[profile m]\n[profile r]\nsource_profile = m\n"+anyRole+
		"[profile other]\nagent_access = there\n"+anyRole+"[profile top]\nsource_profile = m\nagent_access = off\n")
	if err != nil {
		t.Fatal(err)
	}
	before := w.Config
	w.Config = rules
	for _, o := range []plan.Options{{}, {ExtraRoles: []string{"arn:aws:iam::123456789012:role/readonly"}}} {
		o.Agent, o.SessionName = agent, "n"
		name := "r"
		if len(o.ExtraRoles) > 0 {
			name = "top"
		}
		if pl, err := w.Plan(t.Context(), name, o); err != nil || pl.Last().Policy.Inline != text {
			t.Errorf("profile %s, with the policy from another profile with the same role: %+v, %v", name, pl.Last().Policy, err)
		}
	}
	w.Config = before
	for name, want := range map[string]error{"missing": fs.ErrNotExist, "file://" + dir + "/missing": fs.ErrNotExist, "unknown": plan.ErrNoPolicy} {
		if _, err := w.Plan(t.Context(), "r", plan.Options{Limits: []string{name}}); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var value *profile.ValueError
	if _, err := w.Plan(t.Context(), "r", plan.Options{Limits: []string{"bad"}}); !errors.As(err, &value) {
		t.Errorf("bad: %v", err)
	}
	w.Env["AWS_ACCESS_KEY_ID"], w.Env["AWS_SECRET_ACCESS_KEY"] = w.Key.ID, w.Key.Secret
	if pl, err := w.PlanEnvironment(plan.Options{Purpose: plan.Console, Limits: []string{"there"}}); err != nil || pl.Last().Policy.Inline != text {
		t.Errorf("with credentials from the environment: %+v, %v", pl, err)
	}
	if _, err := w.PlanEnvironment(plan.Options{Purpose: plan.Console, Limits: []string{"missing"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("with credentials from the environment: %v", err)
	}
}

// TestAgentLimitOfLaterRole checks that an agent cannot assume the role prod with a session of the role hub, because a
// session policy limits the session. A user can do this. If the agent requests the profile prod, aws-vault itself
// assumes hub and then prod, and this must work.
func TestAgentLimitOfLaterRole(t *testing.T) {
	w := testvault.New(t, "[profile m]\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n[profile hub]\nsource_profile = m\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\nrole_arn = arn:aws:iam::123456789012:role/hub\n"+
		"[profile prod]\nsource_profile = hub\nrole_arn = arn:aws:iam::210987654321:role/prod\n")
	w.StoreKey(t, "m")
	further := func(creds aws.Credentials) error {
		_, err := w.Source.Create(t.Context(), plan.Step{
			Kind: plan.KindAssumeRole, Region: "us-east-1", Endpoint: plan.Endpoint{URL: w.AWS.URL()}, Spec: plan.AssumeRole{ARN: w.Prod, SessionName: "further"},
		}, creds)
		return err
	}
	creds, err := w.Create(t, "hub", plan.Options{})
	if err != nil || further(creds) != nil {
		t.Fatal(err)
	}
	w.AWS.Reset()
	if creds, err = w.Create(t, "hub", plan.Options{Agent: agent}); err != nil {
		t.Fatal(err)
	}
	var refused *awsapi.APIError
	if err := further(creds); !errors.As(err, &refused) || refused.Code != "AccessDenied" {
		t.Errorf("got %v", err)
	}
	if _, err = w.Create(t, "prod", plan.Options{Agent: agent}); err != nil {
		t.Fatal(err)
	}
	const tags = " tag=aws-vault:AccessType:ai tag=aws-vault:Agent:goose transitive=aws-vault:AccessType transitive=aws-vault:Agent"
	want := []string{ // no second MFA code: agent and user share the user's session
		"AssumeRole hub duration=3600" + tags + " policy=arn:aws:iam::aws:policy/ReadOnlyAccess by=session/alice",
		"AssumeRole prod session=further by=role/hub refused=AccessDenied",
		"AssumeRole hub duration=3600" + tags + " policy=inline by=session/alice",
		"AssumeRole prod duration=3600 policy=arn:aws:iam::aws:policy/ReadOnlyAccess by=role/hub",
	}
	if got := w.Calls(); !slices.Equal(got, want) || w.Prompts != 1 {
		t.Errorf("%d prompts, calls\n%s\nwant\n%s", w.Prompts, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestOnlyAgentsReadOtherProfiles checks that the agent rules of all profiles are read only for an agent. Planning
// for a user therefore does not get slower with the number of profiles.
func TestOnlyAgentsReadOtherProfiles(t *testing.T) {
	var config strings.Builder
	config.WriteString("[profile m]\n")
	for i := range 20_000 {
		fmt.Fprintf(&config, "[profile p%d]\nsource_profile = m\nagent_access = read-only\nrole_arn = arn:aws:iam::123456789012:role/r%d\n", i, i)
	}
	w := testvault.New(t, config.String())
	w.StoreKey(t, "m")
	allocations := func(o plan.Options) float64 {
		return testing.AllocsPerRun(1, func() {
			if _, err := w.Plan(t.Context(), "p9999", o); err != nil {
				t.Fatal(err)
			}
		})
	}
	if person, agents := allocations(plan.Options{SessionName: "n"}), allocations(plan.Options{SessionName: "n", Agent: agent}); person > 2000 || agents < 20_000 {
		t.Errorf("a user's plan needs %.0f allocations, an agent's %.0f", person, agents)
	}
}

// TestAgentDoesNotReuseUsersProcessSession checks that a credential_process runs again for an agent, even if a
// user's session is cached. The program may be another aws-vault, which gives agents fewer rights.
func TestAgentDoesNotReuseUsersProcessSession(t *testing.T) {
	w := testvault.New(t, "[profile x]\ncredential_process = p\nagent_access = off\n")
	ran := 0
	w.Source.Run = func(context.Context, source.Command) ([]byte, error) {
		ran++
		return []byte(fmt.Sprintf(`{"Version":1,"AccessKeyId":%q,"SecretAccessKey":%q,"SessionToken":"t","Expiration":"2099-01-01T00:00:00Z"}`, w.Key.ID, w.Key.Secret)), nil
	}
	for i, o := range []plan.Options{{}, {}, {Agent: agent}, {Agent: agent}} {
		before := ran
		if _, err := w.Create(t, "x", o); err != nil {
			t.Fatal(err)
		}
		if again := ran > before; again != (i%2 == 0) {
			t.Errorf("run %d, agent %q: program ran: %t, want %t", i, o.Agent.Name, again, i%2 == 0)
		}
	}
}
