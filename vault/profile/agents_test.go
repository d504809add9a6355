package profile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestPrincipals(t *testing.T) {
	same := func(all ...Principal) Principal {
		t.Helper()
		for _, p := range all {
			if p != all[0] || p == "" {
				t.Errorf("%q and %q should be the same", all[0], p)
			}
		}
		return all[0]
	}
	prod := same(RolePrincipal("arn:aws:iam::123456789012:role/prod"), RolePrincipal("arn:aws:iam::123456789012:role/PROD"),
		RolePrincipal("arn:aws:iam::123456789012:role/a/b/prod"), RolePrincipal("arn:aws-us-gov:iam::123456789012:role/prod"),
		SignInPrincipal("arn:aws:sts::123456789012:assumed-role/Prod/alice"))
	admin := same(SSOPrincipal("123456789012", "Admin"), SSOPrincipal("123456789012", "admin"),
		RolePrincipal("arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"),
		SignInPrincipal("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice"))
	alice := same(SignInPrincipal("arn:aws:iam::123456789012:user/alice"), SignInPrincipal("arn:aws:iam::123456789012:user/Alice"))
	different := []Principal{
		prod, admin, alice, RolePrincipal("arn:aws:iam::210987654321:role/prod"), RolePrincipal("arn:aws:iam::123456789012:role/prod2"),
		SSOPrincipal("210987654321", "Admin"), SSOPrincipal("123456789012", "Admin2"), RolePrincipal("arn:aws:iam::123456789012:role/Admin"),
		RolePrincipal("arn:aws:iam::123456789012:role/AWSReservedSSO_Admin_other"), RolePrincipal("arn:aws:iam::123456789012:role/AWSReservedSSO_0123456789abcdef"),
		SignInPrincipal("arn:aws:iam::123456789012:user/bob"), SignInPrincipal("arn:aws:iam::123456789012:root"),
	}
	for i, p := range different {
		if slices.Contains(different[:i], p) {
			t.Errorf("%q appears in several groups", p)
		}
	}
	for _, arn := range []string{"", "prod", "arn:aws:iam::123456789012:user/alice", "arn:aws:sts::123456789012:assumed-role/prod/alice"} {
		if p := RolePrincipal(arn); p != "" {
			t.Errorf("%q is the role %q", arn, p)
		}
	}
}

// For each profile, ReadAgentRules and Resolve return the same agent_access setting, unless the profile inherits
// it from [default]. ReadAgentRules does not return inherited settings.
func TestAgentRulesOfProfiles(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	rules := 0
	for range 3000 {
		var config, credentials strings.Builder
		n := 2 + r.IntN(5)
		name := func() string { return one("default", "a", "b", "c", "d") }
		section := func(b *strings.Builder, header string) {
			b.WriteString(header + one("", "role_arn = arn:aws:iam::123456789012:role/"+one("x", "y")+one("", " # a comment")+"\n",
				"sso_account_id = 123456789012\nsso_role_name = Dev\n", "login_session = arn:aws:iam::123456789012:user/alice\n"))
			b.WriteString(one("", "", "Agent_Access = "+one("off", "deny", "careful # not really")+"\n", "agent_access =\n", "agent_access = off\nagent_access = deny\n"))
			b.WriteString(one("", "", "include_profile = "+name()+"\n", "source_profile = "+name()+"\n", "role_arn =\n"))
		}
		for range n {
			if who := name(); r.IntN(4) == 0 {
				section(&credentials, "["+who+"]\n")
			} else {
				section(&config, one("[profile "+who+"]\n", "[profile \""+who+"\"]\n"))
			}
		}
		if r.IntN(3) == 0 {
			section(&config, "[default]\n")
		}
		f, err := Parse("config", config.String())
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseCredentials("credentials", credentials.String())
		if err != nil {
			t.Fatal(err)
		}
		if r.IntN(4) == 0 {
			c = nil
		}
		got := ReadAgentRules(f, c)
		for _, name := range []string{"default", "a", "b", "c", "d"} {
			p, err := f.Resolve(name, Inputs{Credentials: c})
			if err != nil || !p.Defined {
				continue
			}
			var who Principal
			switch {
			case p.Set("role_arn"):
				who = RolePrincipal(p.Text("role_arn"))
			case p.Source != nil:
			case p.Set("sso_account_id"):
				who = SSOPrincipal(p.Text("sso_account_id"), p.Text("sso_role_name"))
			case p.Set("login_session"):
				who = SignInPrincipal(p.Text("login_session"))
			}
			want := p.Value("agent_access")
			if want.Inherited() {
				want = Value{}
			}
			i := slices.IndexFunc(got.Of(who), func(r AgentRule) bool { return r.Profile == name })
			if (i >= 0) != (who != "" && want.Text != "") || i >= 0 && (got.Of(who)[i].Access != want || got.Of(who)[i].Err != nil) {
				t.Fatalf("profile %s sets %q (%s) for %q, but its rules are %+v\n%s\n--\n%s", name, want, want.Origin, who, got.Of(who), config.String(), credentials.String())
			}
			if i >= 0 {
				rules++
			}
		}
	}
	if rules < 500 {
		t.Errorf("only %d rules", rules)
	}
}

// The agent_access setting in [default] is a rule for the role of [default], and for the roles of profiles that
// include [default]. It is not a rule for other roles.
func TestAgentRulesOfDefault(t *testing.T) {
	for _, header := range []string{"[default]", "[profile default]", `[profile "default"]`} {
		f, err := Parse("config", header+"\nagent_access = deny\nrole_arn = arn:aws:iam::123456789012:role/own\n"+
			"[profile b]\nrole_arn = arn:aws:iam::123456789012:role/b\n[profile c]\ninclude_profile = default\nrole_arn = arn:aws:iam::123456789012:role/c\n")
		if err != nil {
			t.Fatal(err)
		}
		r := ReadAgentRules(f, nil)
		for role, want := range map[string]int{"own": 1, "b": 0, "c": 1} {
			if got := r.Of(RolePrincipal("arn:aws:iam::123456789012:role/" + role)); len(got) != want {
				t.Errorf("%s: role %s has %+v", header, role, got)
			}
		}
		if r.Default.Text != "deny" || !r.Default.Origin.InDefault() {
			t.Errorf("%s: %+v", header, r.Default)
		}
	}
	if (Origin{Kind: ConfigFile, Section: "profile b"}).InDefault() || (Origin{Kind: Environment, Name: "default"}).InDefault() {
		t.Error("every place is in [default]")
	}
}

// The number of allocations in ReadAgentRules grows linearly with the number of profiles, even if each profile
// includes the next one.
func TestAgentRulesAreLinear(t *testing.T) {
	work := func(n int) float64 {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[profile p%d]\nrole_arn = arn:aws:iam::123456789012:role/r%d\nagent_access = off\ninclude_profile = p%d\n", i, i, (i+1)%n)
		}
		f, err := Parse("config", b.String())
		if err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(1, func() {
			if r := ReadAgentRules(f, nil); len(r.of) != n {
				t.Fatal(len(r.of))
			}
		})
	}
	if few, many := work(2000), work(20_000); many > 12*few {
		t.Errorf("2,000 profiles take %.0f allocations, 20,000 take %.0f", few, many)
	}
}

func BenchmarkAgentRules20000(b *testing.B) {
	f, err := Parse("config", strings.ReplaceAll(manyProfiles(20_000), "duration_seconds = 3600", "agent_access = read-only"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		ReadAgentRules(f, nil)
	}
}

// A rule is not lost if the header of its section is broken.
func TestAgentRuleUnderBrokenHeader(t *testing.T) {
	for _, header := range []string{"[profile ops", "[profile my ops]", "[profile \"ops]"} {
		f := config(t, header+"\nrole_arn = arn:aws:iam::123456789012:role/ops\nagent_access = deny\n")
		rules := ReadAgentRules(f, nil).Of(RolePrincipal("arn:aws:iam::123456789012:role/ops"))
		if len(rules) != 1 || rules[0].Access.Text != "deny" || rules[0].Err == nil {
			t.Errorf("%s: the rules are %+v", header, rules)
		}
	}
}
