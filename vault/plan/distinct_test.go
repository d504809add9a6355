package plan

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// A planInput has everything that a plan depends on.
type planInput struct {
	profiles []string // the lines of the profiles p0, p1…
	env      map[string]string
	holdings Holdings
	options  Options
	caller   string // the principal whose credentials the first step returns
}

const sections = `[default]
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[sso-session lab]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[oidc-session corp]
oidc_issuer = https://id.example.com
oidc_client_id = aws
[oidc-session lab]
oidc_issuer = https://id.example.com
oidc_client_id = aws
[identity me]
identity_issuer = https://id.example.com/me
identity_subject = me@example.com
[identity you]
identity_issuer = https://id.example.com/me
identity_subject = me@example.com
[identity mine]
[services here]
sts =
  endpoint_url = http://127.0.0.1:3
[services there]
sts =
  endpoint_url = http://127.0.0.1:4
sso =
  endpoint_url = http://127.0.0.1:5
sso_oidc =
  endpoint_url = http://127.0.0.1:6
rolesanywhere =
  endpoint_url = http://127.0.0.1:7
signin =
  endpoint_url = http://127.0.0.1:8
[session-policy named]
policy_arns = arn:aws:iam::aws:policy/C
`

// rootLines has the settings for each source of credentials with which a chain can start. An empty text
// means a stored key.
var rootLines = []string{
	"", "", sso, "sso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n", "web_identity_token_file = /t\n" + arn, "web_identity_token_process = token\n" + arn,
	anywhere + arn, "credential_process = keys\n", "credential_source = EcsContainer\n", "credential_source = Ec2InstanceMetadata\n", "credential_source = Environment\n",
	"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + canary + "\n", "login_session = arn:aws:iam::123456789012:user/alice\n",
	oidc + arn, "oidc_session = corp\n" + arn, "identity = me\n" + arn,
}

// emptyInput returns an input without a profile and without a stored key, but with all other holdings.
func emptyInput() planInput {
	return planInput{caller: "caller", options: Options{SessionName: "aws-vault-alice"}, holdings: Holdings{
		Keys: map[string]string{}, Environment: &EnvironmentKey{Fingerprint: "f"}, Policies: map[string]string{"file:///policy": `{"Statement":[]}`},
		Named:    map[string]NamedPolicy{"named": {ARNs: []string{"arn:aws:iam::aws:policy/C"}}},
		Subjects: map[string]string{"/t": "subject", "/u": "subject"}, Certificates: map[string]string{"alice.pem": "c", "bob.pem": "c"},
		Signers:  map[string]Signer{"me": {KeyID: "k", Location: "software"}, "you": {KeyID: "k", Location: "software"}},
		Programs: "e", Container: "http://127.0.0.1:5/c",
	}}
}

func randomInput(r *rand.Rand) planInput {
	w := emptyInput()
	for i := range 1 + r.IntN(3) {
		lines := ""
		if i > 0 {
			lines = fmt.Sprintf("source_profile = p%d\n", i-1)
		} else if lines = rootLines[r.IntN(len(rootLines))]; lines == "" {
			w.holdings.Keys["p0"] = "k"
		}
		if r.IntN(3) > 0 && !strings.Contains(lines, "role_arn") {
			lines += arn
		}
		w.profiles = append(w.profiles, lines)
		for range r.IntN(3) {
			w = w.withSetting(r, i)
		}
	}
	w.options.NoSession = r.IntN(5) == 0
	switch r.IntN(12) {
	case 0, 1:
		w.options.Agent = policy.Agent{Name: "goose", Variable: "AGENT"}
	case 2, 3:
		w.options.ExtraRoles = []string{asked}
	case 4:
		w.options.Purpose = Console
	}
	return w
}

// withSetting sets one random setting of the i-th profile to one of its two values.
func (w planInput) withSetting(r *rand.Rand, i int) planInput {
	names := slices.Sorted(maps.Keys(inputs))
	name := names[r.IntN(len(names))]
	w.profiles = slices.Clone(w.profiles)
	if value := inputs[name].values[r.IntN(2)]; value != "" && !strings.HasSuffix(name, "_ttl") {
		w.profiles[i] = withLine(w.profiles[i], name, value)
	}
	return w
}

// withHolding changes one random value in the holdings, at any depth.
func (w planInput) withHolding(r *rand.Rand) planInput {
	var all []Holdings
	held := reflect.ValueOf(w.holdings)
	for i := range held.NumField() {
		with := func(x reflect.Value) {
			c := reflect.New(held.Type()).Elem()
			c.Set(held)
			c.Field(i).Set(x)
			all = append(all, c.Interface().(Holdings))
		}
		switch field := held.Field(i); {
		case field.Type() == reflect.TypeFor[profile.AgentRules](): // the method plan reads the rules from the profiles
		case field.Kind() == reflect.String:
			with(changed(field))
		case field.Kind() == reflect.Pointer:
			eachChange(field.Elem(), "", func(_ string, x reflect.Value) {
				p := reflect.New(x.Type())
				p.Elem().Set(x)
				with(p)
			})
		default: // a map: change the value of one random key
			keys := field.MapKeys()
			slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
			for _, key := range keys {
				put := func(x reflect.Value) {
					m := reflect.MakeMap(field.Type())
					for _, k := range field.MapKeys() {
						m.SetMapIndex(k, field.MapIndex(k))
					}
					m.SetMapIndex(key, x)
					with(m)
				}
				if value := field.MapIndex(key); value.Kind() == reflect.Struct {
					eachChange(value, "", func(_ string, x reflect.Value) { put(x) })
				} else {
					put(changed(value))
				}
			}
		}
	}
	w.holdings = all[r.IntN(len(all))]
	return w
}

// withOption changes one random option.
func (w planInput) withOption(r *rand.Rand) planInput {
	o := &w.options
	switch r.IntN(8) {
	case 0:
		o.SessionName = "aws-vault-bob"
	case 1:
		o.Duration = []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour}[r.IntN(4)]
	case 2:
		o.NoSession = !o.NoSession
	case 3:
		o.Agent = policy.Agent{Name: []string{"goose", "amp"}[r.IntN(2)], Variable: "AGENT"}
	case 4:
		o.Limits = []string{[]string{ReadOnly, "named", "arn:aws:iam::aws:policy/A"}[r.IntN(3)]}
	case 5:
		o.FederatedName = []string{"alice", "bob"}[r.IntN(2)]
	case 6:
		o.Purpose = []Purpose{Use, Serve, Console}[r.IntN(3)]
	default:
		o.ExtraRoles = [][]string{nil, {asked}, {asked, asked}}[r.IntN(3)]
	}
	return w
}

// plan plans the last profile of the input and fills in the caller, as package vault does.
func (w planInput) plan() (Plan, error) {
	var config strings.Builder
	config.WriteString(sections)
	for i, lines := range w.profiles {
		fmt.Fprintf(&config, "[profile p%d]\n%s", i, lines)
	}
	f, err := profile.Parse("config", []byte(config.String()))
	if err != nil {
		return Plan{}, err
	}
	p, err := f.Resolve(fmt.Sprintf("p%d", len(w.profiles)-1), profile.Inputs{Env: func(k string) (string, bool) { v, ok := w.env[k]; return v, ok }})
	if err != nil {
		return Plan{}, err
	}
	h := w.holdings
	h.Agents = profile.ReadAgentRules(f, nil)
	h.SignIns, h.Identities = map[Digest]string{}, map[Digest]Identity{}
	for q := p; q != nil; q = q.Source {
		if to, _, err := Portal(q); err == nil {
			h.SignIns[to.TokenDigest()] = w.caller
		}
		if to, err := Provider(q); err == nil {
			h.Identities[to.TokenDigest()] = Identity{Subject: strings.ReplaceAll(w.caller, " ", "-"), Claims: map[string]string{"sub": strings.ReplaceAll(w.caller, " ", "-"), "email": "us@example.com"}}
		}
		if session := q.Text("login_session"); session != "" {
			h.SignIns[Login{Session: session}.TokenDigest()] = w.caller
		}
	}
	pl, err := Make(p, h, w.options)
	if err != nil {
		return pl, err
	}
	first := pl.Steps[0]
	if spec, ok := first.Spec.(WebIdentity); ok && spec.TokenProcess != "" {
		spec.Subject = w.caller
		pl = pl.WithFirstSpec(spec)
	}
	if first.CallerFromOutput() {
		pl = pl.WithCaller(w.caller)
	}
	return pl, nil
}

// A digestRegister records, for each digest, what the session with that digest depends on.
type digestRegister struct {
	t       *testing.T
	views   map[Digest]string
	digests map[string]Digest
}

// add records the steps of a plan. It fails the test if two different sessions have the same digest, or
// if one session has two digests.
func (g *digestRegister) add(p Plan) {
	for i := range p.Steps {
		if !p.DigestKnown(i) {
			g.t.Fatalf("the digest of step %d of %v is not known", i+1, steps(p))
		}
		digest, view := p.Digest(i), p.sessionInputsTo(i)
		if other, known := g.views[digest]; known && other != view {
			g.t.Fatalf("two sessions have the same digest:\n%s\nand\n%s", other, view)
		}
		if other, known := g.digests[view]; known && other != digest {
			g.t.Fatalf("one session has two digests:\n%s", view)
		}
		g.views[digest], g.digests[view] = view, digest
	}
}

// Two plans have different digests if they differ in anything that AWS receives or in the endpoint.
// The test uses random plans of all kinds and changes one input at a time: a setting of a profile,
// a holding, an option, or the caller. The exceptions are in excluded and excludedFrom.
func TestDifferentPlansHaveDifferentDigests(t *testing.T) {
	const inputsTried, changes, deep = 2000, 8, 20
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	g := &digestRegister{t: t, views: map[Digest]string{}, digests: map[string]Digest{}}
	kinds, plans, differ := map[Kind]int{}, 0, 0
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	for n := range inputsTried {
		w := randomInput(r)
		base, err := w.plan()
		if err != nil {
			continue
		}
		count := func(pl Plan) {
			g.add(pl)
			plans++
			for _, s := range pl.Steps {
				kinds[s.Kind]++
			}
		}
		count(base)
		for range changes {
			other := w
			switch r.IntN(4) {
			case 0:
				other = w.withHolding(r)
			case 1:
				other = w.withOption(r)
			case 2:
				other.caller = "another"
			default:
				other = w.withSetting(r, r.IntN(len(w.profiles)))
			}
			if pl, err := other.plan(); err == nil {
				count(pl)
				if last := len(base.Steps) - 1; len(pl.Steps) != len(base.Steps) || pl.Digest(last) != base.Digest(last) {
					differ++
				}
			}
		}
		if n%deep > 0 {
			continue
		}
		for j := range base.Steps { // every field of every step and its spec
			eachChange(reflect.ValueOf(base.Steps[j]), "Step", func(_ string, x reflect.Value) {
				pl := base
				pl.Steps = slices.Clone(base.Steps)
				pl.Steps[j] = x.Interface().(Step)
				if pl.DigestKnown(len(pl.Steps) - 1) {
					g.add(pl)
					plans++
				}
			})
		}
	}
	t.Logf("%d plans, %d with a changed digest, %d sessions", plans, differ, len(g.views))
	for _, kind := range []Kind{
		KindStoredKey, KindStaticKey, KindEnvironment, KindMetadata, KindContainer, KindProcess, KindWebIdentity, KindOIDC, KindIdentity,
		KindRolesAnywhere, KindSSO, KindLogin, KindSessionToken, KindAssumeRole, KindFederationToken,
	} {
		if kinds[kind] < 10 {
			t.Errorf("%d steps of kind %q, want at least 10", kinds[kind], kind)
		}
	}
	if plans < 3*inputsTried || differ < inputsTried/4 {
		t.Errorf("only %d plans, %d with a changed digest", plans, differ)
	}
}
