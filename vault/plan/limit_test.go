package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"aws-vault/vault/policy"
)

var goose = policy.Agent{Name: "goose", Variable: "AGENT"}

const (
	managed = "arn:aws:iam::aws:policy/"
	role    = "role_arn = arn:aws:iam::123456789012:role/"
	careful = `{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`
	wall    = `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}`
	fence   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
)

// Settings of profiles that get credentials with a token.
const (
	byIdentity = "[identity me]\nidentity_issuer = https://id.example.com/me\nidentity_subject = me@example.com\n[profile i]\nidentity = me\n"
	bySignIn   = "[profile o]\noidc_issuer = https://id.example.com\noidc_client_id = aws\n"
)

// limits returns a text with the policies, the tags and the agent of each step.
func limits(p Plan) string {
	var out []string
	for _, s := range p.Steps {
		line := string(s.Kind)
		switch s.Policy.Inline {
		case "":
		case policy.Chain().Inline:
			line += " chain"
		case careful:
			line += " careful"
		default:
			line += " inline"
		}
		for _, a := range s.Policy.ARNs {
			line += " " + a[strings.LastIndexByte(a, '/')+1:]
		}
		if spec, ok := roleParameters(s); ok {
			for _, t := range spec.Tags {
				line += " " + t.Key + "=" + t.Value
			}
			line += strings.Repeat("+", len(spec.TransitiveTags))
		}
		if s.Agent != "" {
			line += " for " + s.Agent
		}
		out = append(out, line)
	}
	return strings.Join(out, "|")
}

func manyTags(n int) string {
	var tags []string
	for i := range n {
		tags = append(tags, fmt.Sprintf("k%d=v", i))
	}
	return strings.Join(tags, ",")
}

const tagged = " aws-vault:AccessType=ai aws-vault:Agent=goose++ for goose"

func TestLimits(t *testing.T) {
	const user, agent = "", "goose"
	for _, tt := range []struct {
		name, config string // the last profile in config is requested; profile m has a stored key
		who          string
		limits       string
		purpose      Purpose
		want         string // the result of the function limits, or the error
	}{
		{"a user", "[profile r]\nsource_profile = m\n" + role + "r\n", user, "", Use, "stored key|assume role"},
		{"an agent", "[profile r]\nsource_profile = m\n" + role + "r\n", agent, "", Use, "stored key|assume role ReadOnlyAccess" + tagged},
		{"a user who wants less", "[profile r]\nsource_profile = m\n" + role + "r\n", user, "read-only", Use, "stored key|assume role ReadOnlyAccess"},
		{"two hops", "[profile r]\nsource_profile = m\n" + role + "r\n[profile q]\nsource_profile = r\n" + role + "q\n", agent, "", Use,
			"stored key|assume role chain" + tagged + "|assume role ReadOnlyAccess for goose"},
		{"two hops of a user", "[profile r]\nsource_profile = m\n" + role + "r\n[profile q]\nsource_profile = r\n" + role + "q\n", user, "careful", Use,
			"stored key|assume role chain|assume role careful"},
		{"with a code", "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\nmfa_serial = m111111111\n" + role + "r\n", agent, "", Use,
			"stored key|session token|assume role ReadOnlyAccess" + tagged},
		{"no tags", "[profile r]\nsource_profile = m\nagent_tags = off\n" + role + "r\n", agent, "", Use, "stored key|assume role ReadOnlyAccess for goose"},
		{"tags of the profile", "[profile r]\nsource_profile = m\nsession_tags = a=b,zz=c\ntransitive_session_tags = zz\n" + role + "r\n", agent, "", Use,
			"stored key|assume role ReadOnlyAccess a=b aws-vault:AccessType=ai aws-vault:Agent=goose zz=c+++ for goose"},
		{"our tag", "[profile r]\nsource_profile = m\nsession_tags = aws-vault:accesstype=user\n" + role + "r\n", agent, "", Use,
			"error: config:3: tag aws-vault:accesstype cannot be set, because profile r is used by a coding agent, and aws-vault sets this tag itself"},
		{"our tag on a later hop", "[profile r]\nsource_profile = m\n" + role + "r\n[profile q]\nsource_profile = r\nsession_tags = aws-vault:Agent=x\n" + role + "q\n", agent, "", Use,
			"error: config:6: tag aws-vault:Agent cannot be set, because profile q is used by a coding agent, and aws-vault sets this tag itself"},
		{"too many tags", "[profile r]\nsource_profile = m\nsession_tags = " + manyTags(49) + "\n" + role + "r\n", agent, "", Use,
			"error: config:3: more than 48 tags cannot be set, because profile r is used by a coding agent, and aws-vault adds two tags"},
		{"a token first", "[profile w]\nweb_identity_token_file = t\n" + role + "w\n", agent, "", Use, "web identity ReadOnlyAccess for goose"},
		{"a token, then a role", "[profile w]\nweb_identity_token_file = t\n" + role + "w\n[profile q]\nsource_profile = w\n" + role + "q\n", agent, "", Use,
			"web identity chain for goose|assume role ReadOnlyAccess" + tagged},
		{"a signed identity", byIdentity + role + "i\n", agent, "", Use, "signed identity ReadOnlyAccess" + tagged},
		{"a signed identity of a user", byIdentity + role + "i\n", user, "", Use, "signed identity"},
		{"a signed identity, then a role", byIdentity + role + "i\n[profile q]\nsource_profile = i\n" + role + "q\n", agent, "", Use,
			"signed identity chain" + tagged + "|assume role ReadOnlyAccess for goose"},
		{"a signed identity for the console", byIdentity + role + "i\n", agent, "", Console, "signed identity ReadOnlyAccess" + tagged},
		{"a sign-in", bySignIn + role + "o\n", agent, "", Use, "OIDC role ReadOnlyAccess for goose"},
		{"a sign-in, then a role", bySignIn + role + "o\n[profile q]\nsource_profile = o\n" + role + "q\n", agent, "", Use,
			"OIDC role chain for goose|assume role ReadOnlyAccess" + tagged},
		{"a sign-in, served", bySignIn + role + "o\n", agent, "", Serve, "OIDC role ReadOnlyAccess for goose"},
		{"Identity Center", "[profile s]\n" + sso, agent, "", Use, `error: the credentials of profile "s" come from the step "SSO role", which does not accept a session policy, but coding agents receive only credentials with a session policy`},
		{"Identity Center, then a role", "[profile s]\n" + sso + "[profile q]\nsource_profile = s\n" + role + "q\n", agent, "", Use, "SSO role|assume role ReadOnlyAccess" + tagged},
		{"a process", "[profile p]\ncredential_process = p\n", user, "careful", Use, `error: the credentials of profile "p" come from the step "credential process", which does not accept a session policy, but --policy was given`},
		{"a key", "[profile m]\n", agent, "", Use, "stored key|federation token ReadOnlyAccess for goose"},
		{"a key with a device", "[profile m]\nmfa_serial = m111111111\n", agent, "", Use, `error: the credentials of profile "m" come from the step "session token", which does not accept a session policy, but coding agents receive only credentials with a session policy`},
		{"a key for the console", "[profile m]\n", agent, "", Console, "stored key|federation token ReadOnlyAccess for goose"},
		{"a key to be rotated", "[profile m]\n", agent, "", Rotate, "stored key"},
		{"closed", "[profile m]\nagent_access = deny\n", agent, "", Use, "error: config:2: agent_access = deny forbids coding agents to use profile m (AGENT is set, so a coding agent runs aws-vault)"},
		{"closed, to a user", "[profile m]\nagent_access = deny\n", user, "", Use, "stored key|session token"},
		{"open", "[default]\nagent_access = off\n[profile r]\nsource_profile = m\n" + role + "r\n", agent, "", Use, "stored key|assume role"},
		{"closed behind another name", "[default]\nagent_access = off\n[profile r]\nsource_profile = m\nagent_access = deny\n" + role + "r\n[profile eu]\nsource_profile = r\nregion = eu-west-1\n", agent, "", Use,
			"error: config:5: agent_access = deny forbids coding agents to use profile r (AGENT is set, so a coding agent runs aws-vault)"},
		{"said again by the other name", "[profile r]\nsource_profile = m\nagent_access = deny\n" + role + "r\n[profile eu]\nsource_profile = r\nagent_access = careful\n", agent, "", Use,
			"error: config:3: agent_access = deny forbids coding agents to use profile r (AGENT is set, so a coding agent runs aws-vault)"},
		{"closed on the way to the next role", "[profile r]\nsource_profile = m\nagent_access = deny\n" + role + "r\n[profile q]\nsource_profile = r\nagent_access = off\n" + role + "q\n", agent, "", Use,
			"error: config:3: agent_access = deny forbids coding agents to use profile r (AGENT is set, so a coding agent runs aws-vault)"},
		{"a key's own, and one for agents", "[profile k]\nsource_profile = m\nagent_access = careful\nsession_policy_arns = " + managed + "PowerUserAccess\n", agent, "", Use, "stored key|federation token careful for goose"},
		{"open, and less wanted", "[default]\nagent_access = off\n[profile r]\nsource_profile = m\n" + role + "r\n", agent, "read-only", Use, "stored key|assume role ReadOnlyAccess"},
		{"inherited and taken back", "[default]\nagent_access = off\n[profile r]\nsource_profile = m\nagent_access =\n" + role + "r\n", agent, "", Use, "stored key|assume role ReadOnlyAccess" + tagged},
		{"by name", "[profile r]\nsource_profile = m\nagent_access = careful\n" + role + "r\n", agent, "", Use, "stored key|assume role careful" + tagged},
		{"by ARN", "[profile r]\nsource_profile = m\nagent_access = " + managed + "SecurityAudit\n" + role + "r\n", agent, "", Use, "stored key|assume role SecurityAudit" + tagged},
		{"the same twice", "[profile r]\nsource_profile = m\n" + role + "r\n", agent, "read-only", Use, "stored key|assume role ReadOnlyAccess" + tagged},
		{"less without some", "[profile r]\nsource_profile = m\n" + role + "r\n", agent, "fence", Use, "stored key|assume role inline ReadOnlyAccess" + tagged},
		{"two lists", "[profile r]\nsource_profile = m\n" + role + "r\n", agent, "careful", Use,
			"error: --policy: two session policies that both list allowed actions cannot be combined, because AWS would allow the actions of either one"},
		{"a policy of the profile", "[profile r]\nsource_profile = m\nsession_policy_arns = " + managed + "PowerUserAccess\n" + role + "r\n", agent, "", Use,
			"error: profile r already has a session policy: two session policies that both list allowed actions cannot be combined, because AWS would allow the actions of either one"},
		{"its own that opens", "[profile r]\nsource_profile = m\nsession_policy = " + fence + "\n" + role + "r\n", agent, "", Use, "stored key|assume role inline ReadOnlyAccess" + tagged},
		{"its own, and one for agents", "[profile r]\nsource_profile = m\nagent_access = careful\nsession_policy_arns = " + managed + "PowerUserAccess\n" + role + "r\n", agent, "", Use, "stored key|assume role careful" + tagged},
		{"its own, and one for all agents", "[default]\nagent_access = careful\n[profile r]\nsource_profile = m\nsession_policy_arns = " + managed + "PowerUserAccess\n" + role + "r\n", agent, "", Use,
			"error: profile r already has a session policy: two session policies that both list allowed actions cannot be combined, because AWS would allow the actions of either one"},
		{"a hop's own", "[profile r]\nsource_profile = m\nsession_policy_arns = " + managed + "PowerUserAccess\n" + role + "r\n[profile q]\nsource_profile = r\n" + role + "q\n", agent, "", Use,
			"error: profile r already has a session policy: two session policies that both list allowed actions cannot be combined, because AWS would allow the actions of either one"},
		{"a hop's own that only assumes", "[profile r]\nsource_profile = m\nsession_policy = {\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"*\"}]}\n" + role + "r\n[profile q]\nsource_profile = r\n" + role + "q\n", agent, "", Use,
			"stored key|assume role inline" + tagged + "|assume role ReadOnlyAccess for goose"},
		{"China", "[profile r]\nsource_profile = m\nrole_arn = arn:aws-cn:iam::123456789012:role/r\n", agent, "", Use, "stored key|assume role cn ReadOnlyAccess" + tagged},
		{"a region of China", "[profile m]\nregion = cn-north-1\n", agent, "", Use, "stored key|federation token cn ReadOnlyAccess for goose"},
		{"nowhere", "[profile r]\nsource_profile = m\nagent_access = nowhere\n" + role + "r\n", agent, "", Use,
			`error: config:3: session-policy "nowhere": found no section with this name, expected the name of a [session-policy] section, the ARN of a policy or a file:// URL`},
		{"an empty file", "[profile r]\nsource_profile = m\n" + role + "r\n", user, "file://empty", Use, "error: --policy: file://empty: session policy is empty, expected an IAM policy document"},
		{"a file", "[profile r]\nsource_profile = m\n" + role + "r\n", user, "file://careful", Use, "stored key|assume role careful"},
		{"no ARN of a policy", "[profile r]\nsource_profile = m\n" + role + "r\n", user, "arn:aws:iam::1:role/x", Use,
			`error: --policy: session policy is "arn:aws:iam::1:role/x", expected the ARN of a managed policy, such as arn:aws:iam::aws:policy/ReadOnlyAccess`},
	} {
		h := stored("m")
		h.Policies = map[string]string{"file://careful": careful, "file://empty": " "}
		h.Named = map[string]NamedPolicy{
			"careful": {Text: "file://careful", Origin: "config:9"}, "fence": {Text: fence, Origin: "config:11"},
		}
		o := Options{Purpose: tt.purpose, SessionName: "aws-vault-alice"}
		if tt.who != "" {
			o.Agent = goose
		}
		if tt.limits != "" {
			o.Limits = []string{tt.limits}
		}
		names := strings.Split(tt.config, "[profile ")
		name, _, _ := strings.Cut(names[len(names)-1], "]")
		h.Agents = agentRules(t, tt.config)
		pl, err := Make(resolve(t, tt.config, name, nil), h, o)
		got := limits(pl)
		if err != nil {
			got = "error: " + err.Error()
		}
		if strings.Contains(tt.want, " cn ") && strings.HasPrefix(pl.Last().Policy.ARNs[0], "arn:aws-cn:") {
			got = strings.Replace(got, " ReadOnlyAccess", " cn ReadOnlyAccess", 1)
		}
		if got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// For any chain, an agent never shares the session of the last step with a user or with another agent. This
// session is limited, and so are the sessions of all earlier roles. Session tokens and sign-ins in earlier steps
// are shared with the user.
func TestAgentSessionsAreSeparate(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 16))
	planned := 0
	for range 3000 {
		config := "[default]\nagent_tags = " + []string{"on", "off"}[r.IntN(2)] + "\n[identity me]\nidentity_issuer = https://id.example.com/me\nidentity_subject = me@example.com\n[profile p0]\n"
		h := Holdings{}
		switch r.IntN(6) {
		case 0:
			config += sso
		case 1:
			config += "web_identity_token_file = t\n" + role + "w\n"
		case 2:
			config += "identity = me\n" + role + "w\n"
		case 3:
			config += "oidc_issuer = https://id.example.com\noidc_client_id = aws\n" + role + "w\n"
		default:
			h = stored("p0")
		}
		hops := r.IntN(4)
		for i := range hops {
			config += fmt.Sprintf("[profile p%d]\nsource_profile = p%d\n%sr%d\n", i+1, i, role, i)
			if r.IntN(3) == 0 {
				config += "session_tags = a" + fmt.Sprint(i) + "=b\n"
			}
		}
		p := resolve(t, config, fmt.Sprintf("p%d", hops), nil)
		o := Options{SessionName: "aws-vault-alice"}
		if r.IntN(2) == 0 {
			o.Limits = []string{ReadOnly}
		}
		user, userErr := Make(p, h, o)
		o.Agent = goose
		agent, err := Make(p, h, o)
		var unlimited *PolicyUnsupportedError
		if errors.As(err, &unlimited) {
			continue
		}
		if err != nil || userErr != nil {
			t.Fatalf("%s%v, %v", config, err, userErr)
		}
		planned++
		o.Agent.Name = "other"
		other, err := Make(p, h, o)
		if err != nil {
			t.Fatal(err)
		}
		last := len(agent.Steps) - 1
		for i, s := range agent.Steps {
			limited := s.Agent == "goose" && !s.Policy.IsZero()
			if limited != s.carriesPolicy() || i == last && !limited {
				t.Fatalf("%sstep %d: %+v", config, i, s)
			}
			for _, theirs := range []Plan{user, other} {
				if i < len(theirs.Steps) && (theirs.Digest(i) == agent.Digest(i)) == limited {
					t.Fatalf("%sstep %d of %s and of %s", config, i, limits(agent), limits(theirs))
				}
			}
		}
		for j := range user.Steps {
			if user.Digest(j) == agent.Digest(last) {
				t.Fatalf("%sthe agent shares step %d with the user", config, j)
			}
		}
	}
	if planned < 1000 {
		t.Errorf("only %d plans", planned)
	}
}

func TestLimitEnvironmentCredentials(t *testing.T) {
	p := resolve(t, "", "default", nil)
	key, temporary := &EnvironmentKey{Fingerprint: "f"}, &EnvironmentKey{Fingerprint: "f", Temporary: true}
	pl, err := FromEnvironment(p, Holdings{Environment: key}, Options{Purpose: Console, Agent: goose})
	if err != nil || limits(pl) != "environment|federation token ReadOnlyAccess for goose" {
		t.Errorf("%s, %v", limits(pl), err)
	}
	for _, o := range []Options{{Purpose: Console, Agent: goose}, {Purpose: Use, Limits: []string{ReadOnly}}} {
		var e *PolicyUnsupportedError
		if pl, err := FromEnvironment(p, Holdings{Environment: temporary}, o); !errors.As(err, &e) || e.Profile != "" || !strings.Contains(err.Error(), "the credentials in the environment") {
			t.Errorf("%s, %v", limits(pl), err)
		}
	}
	if _, err := FromEnvironment(p, Holdings{Environment: key}, Options{Limits: []string{"nowhere"}}); !errors.Is(err, ErrNoPolicy) {
		t.Errorf("%v", err)
	}
}

// The note names the environment variable that revealed the agent, and the setting that limits the agent.
func TestAgentNote(t *testing.T) {
	for config, want := range map[string]string{
		"": "AGENT is set: the session of this coding agent is limited to read-only (agent_access is not set in profile r)",
		"agent_access = " + managed + "SecurityAudit\n": "AGENT is set: the session of this coding agent is limited to " + managed + "SecurityAudit (config:4)",
		"agent_access = off\n":                          "",
	} {
		pl, err := Make(resolve(t, "[profile r]\nsource_profile = m\n"+role+"r\n"+config, "r", nil), stored("m"), Options{Agent: goose, SessionName: "n"})
		if err != nil || strings.Join(pl.Notes, "\n") != want {
			t.Errorf("%q: %q, %v", config, pl.Notes, err)
		}
	}
}
