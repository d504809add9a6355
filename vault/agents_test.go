package vault_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"aws-vault/internal/testvault"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

// agentSettings describes one profile of a random config and its effective limits for agents.
type agentSettings struct {
	name     string
	text     string
	identity string // role or identity whose credentials the profile provides; empty if the config does not name it
	access   string // agent_access of the profile itself; empty if not set
	from     string // value of source_profile
}

// A randomConfig is a randomly generated config file.
type randomConfig struct {
	*rand.Rand
	profiles []agentSettings
	stored   []string // profiles with a stored key
}

func (r *randomConfig) one(of ...string) string { return of[r.IntN(len(of))] }

// arn returns the ARN of a random role, and the role's identity (account and name). ARNs that differ only in the
// case or the path of the role's name have the same identity, because an account has only one role with this name.
// Some ARNs are invalid.
func (r *randomConfig) arn() (arn, identity string) {
	account, name := r.one("123456789012", "210987654321"), r.one("prod", "dev", "hub")
	spelled := r.one(name, name, name, strings.ToUpper(name), "team/"+name)
	return "arn:" + r.one("aws", "aws", "aws-cn") + ":iam::" + account + ":role/" + spelled, account + " " + name
}

const (
	fence   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
	careful = `{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`
)

func (r *randomConfig) add(i int) {
	p := agentSettings{name: fmt.Sprintf("p%d", i)}
	if i == 0 && r.IntN(3) == 0 {
		p.name = "default"
	}
	set := func(format string, args ...any) { p.text += fmt.Sprintf(format+"\n", args...) }
	role := func() {
		arn, identity := r.arn()
		p.identity = identity
		set("role_arn = %s", arn)
	}
	switch r.IntN(12) {
	case 0:
		account, name := r.one("123456789012", "210987654321"), r.one("Admin", "admin", "Dev")
		set("sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = %s\nsso_role_name = %s", account, name)
		p.identity = account + " sso " + strings.ToLower(name)
	case 1:
		set("login_session = arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice")
		p.identity = "123456789012 sso admin"
	case 2:
		set("web_identity_token_file = t")
		role()
	case 3:
		set("oidc_issuer = https://id.example.com\noidc_client_id = aws")
		role()
	case 4:
		set("trust_anchor_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/a\nrolesanywhere_profile_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:profile/p\ncertificate = c\nprivate_key = k")
		role()
	case 5:
		set("identity = me")
		role()
	case 6:
		r.stored = append(r.stored, p.name)
	default:
		p.from = "m"
		if i > 0 && r.IntN(3) > 0 {
			p.from = r.profiles[r.IntN(i)].name
		}
		set("source_profile = %s", p.from)
		if r.IntN(5) > 0 {
			role()
		}
	}
	if access := r.one("", "", "", "off", "off", "deny", "read-only", "careful", "fence", "none"); access == "none" {
		set("agent_access =")
	} else if access != "" {
		set("agent_access = %s", access)
		p.access = access
	} else if r.IntN(4) == 0 {
		p.access = r.one("off", "deny", "careful")
		set("include_profile = base%d\n[profile base%d]\nagent_access = %s", i, i, p.access)
	}
	r.profiles = append(r.profiles, p)
}

// newRandomConfig generates a config. The profile m in the config has a stored key.
func newRandomConfig(seed uint64) (r *randomConfig, text string) {
	r = &randomConfig{Rand: rand.New(rand.NewPCG(seed, 40)), stored: []string{"m"}}
	for i := range 2 + r.IntN(5) {
		r.add(i)
	}
	r.profiles = append(r.profiles, agentSettings{name: "m"})
	if access := r.one("", "", "off", "deny", "careful"); access != "" {
		m := &r.profiles[len(r.profiles)-1]
		m.text, m.access = "agent_access = "+access+"\n", access
	}
	sections := make([]string, len(r.profiles))
	for i, p := range r.profiles {
		header := "[profile " + p.name + "]\n"
		if p.name == "default" {
			header = r.one("[default]\n", header)
		}
		sections[i] = header + p.text
	}
	r.Shuffle(len(sections), func(i, j int) { sections[i], sections[j] = sections[j], sections[i] })
	return r, strings.Join(append(sections,
		"[identity me]\nidentity_issuer = https://id.example.com/me\nidentity_subject = me@example.com\n",
		"[session-policy careful]\npolicy = "+careful+"\n[session-policy fence]\npolicy = "+fence+"\n"), "")
}

// settings returns the explicit agent_access settings that apply to a step.
func (r *randomConfig) settings(s plan.Step) []string {
	identity, role := "", ""
	switch spec := s.Spec.(type) {
	case plan.AssumeRole:
		role = spec.ARN
	case plan.WebIdentity:
		role = spec.ARN
	case plan.OIDCRole:
		role = spec.ARN
	case plan.IdentityRole:
		role = spec.ARN
	case plan.RolesAnywhere:
		role = spec.Role
	case plan.SSORole:
		identity = spec.Account + " sso " + strings.ToLower(spec.Role)
	case plan.Login:
		identity = "123456789012 sso admin"
	}
	if parts := strings.Split(role, ":"); len(parts) == 6 {
		names := strings.Split(strings.ToLower(parts[5]), "/")
		identity = parts[4] + " " + names[len(names)-1]
	}
	var all []string
	for _, p := range r.profiles {
		own := p.name == s.Profile && p.name != "default" // in [default], agent_access is the default for all profiles
		if p.access != "" && (own || identity != "" && p.identity == identity) {
			all = append(all, p.access)
		}
	}
	return all
}

// TestAgentAccessNeverExceedsRoleLimits plans credentials for a coding agent with many random configs. The plan
// must never allow more than the strictest explicit agent_access of any role in the chain.
func TestAgentAccessNeverExceedsRoleLimits(t *testing.T) {
	const configs = 20_000
	w := testvault.New(t, "")
	w.Source.Tokens = &store.Tokens{Ring: w.SessionRing, Locks: w.Sessions.Locks, Index: w.Sessions.Index, Now: w.Sessions.Now}
	w.StoreKey(t, "m")
	key := w.Ring.Items["m"].Data
	seed := rand.Uint64()
	planned, denied, limited, conflicts := 0, 0, 0, 0
	for range configs {
		seed++
		r, text := newRandomConfig(seed)
		file, err := profile.Parse("config", text)
		if err != nil {
			t.Fatal(err)
		}
		w.Config = file
		w.Ring = keystoretest.New()
		w.Keys.Ring = w.Ring
		for _, name := range r.stored {
			w.Ring.Items[name] = keystore.Item{Name: name, Data: key}
		}
		o := plan.Options{SessionName: "n", Agent: agent, Purpose: plan.Purpose(r.one(string(plan.Use), string(plan.Serve), string(plan.Console)))}
		if o.Purpose != plan.Console && r.IntN(3) == 0 {
			arn, _ := r.arn()
			o.ExtraRoles = []string{arn}
		}
		delete(w.Env, "AWS_ROLE_ARN")
		if r.IntN(8) == 0 {
			w.Env["AWS_ROLE_ARN"], _ = r.arn()
		}
		requested := r.profiles[r.IntN(len(r.profiles))].name
		var deny *plan.AgentDeniedError
		var conflict *plan.AgentPoliciesError
		pl, err := w.Preview(t.Context(), requested, o)
		switch {
		case errors.As(err, &deny):
			denied++
			continue
		case errors.As(err, &conflict):
			conflicts++
			continue
		case err != nil:
			continue
		}
		planned++
		for _, s := range pl.Steps {
			for _, access := range r.settings(s) {
				if limit := pl.Last().Policy; !isLimitedBy(access, limit.Inline, limit.ARNs) {
					t.Fatalf("seed %d: setting %s applies to step %s of profile %s, but profile %s with %+v %v allows %+v\n%s", seed, access, s.Kind, s.Profile, requested, o, w.Env, limit, text)
				}
				if access != "off" {
					limited++
				}
			}
		}
	}
	t.Logf("%d planned, %d denied, %d limited, %d in conflict", planned, denied, limited, conflicts)
	if planned < configs/5 || denied < configs/50 || limited < configs/50 || conflicts < configs/100 {
		t.Errorf("%d planned, %d denied, %d limited, %d in conflict: the random configs do not cover every case", planned, denied, limited, conflicts)
	}
}

// isLimitedBy reports whether session policies enforce a value of the setting agent_access. The argument access is
// that value. The other arguments are the inline session policy and the ARNs of managed policies.
func isLimitedBy(access, inline string, arns []string) bool {
	switch access {
	case "off":
		return true
	case "read-only":
		return len(arns) == 1 && strings.HasSuffix(arns[0], ":iam::aws:policy/ReadOnlyAccess") && !strings.Contains(inline, `"Allow"`)
	case "careful":
		return len(arns) == 0 && inline == careful
	case "fence":
		return strings.Contains(inline, `"Effect":"Deny"`) && strings.Contains(inline, `"s3:*"`)
	}
	return false
}
