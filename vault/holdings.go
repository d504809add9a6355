package vault

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"aws-vault/vault/certificate"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
)

// holdings finds out what a plan for p has to know of the world.
func (v *Vault) holdings(ctx context.Context, p *profile.Profile, o plan.Options) (plan.Holdings, error) {
	h := plan.Holdings{
		Keys: map[string]string{}, Policies: map[string]string{}, Subjects: map[string]string{}, Certificates: map[string]string{},
		Identities: map[plan.Digest]plan.Identity{}, SignIns: map[plan.Digest]string{}, Signers: map[string]plan.Signer{},
	}
	for q := p; q != nil; q = q.Source {
		fingerprint, ok, err := v.Keys.Fingerprint(ctx, q.Name)
		if err != nil {
			return h, err
		}
		if ok {
			h.Keys[q.Name] = fingerprint
		}
		if err := v.files(q, h); err != nil {
			return h, err
		}
		if q.Set("credential_process") && v.Source.Environ != nil {
			h.Programs = plan.Fingerprint(slices.Sorted(slices.Values(v.Source.Environ()))...)
		}
		if ok {
			break // the chain begins here
		}
		if err := v.identity(ctx, q, h); err != nil {
			return h, err
		}
		if err := v.signIns(ctx, q, h); err != nil {
			return h, err
		}
		if name := q.Text("identity"); name != "" && v.Source.Identities != nil {
			if k, err := v.Source.Identities.Signing(name); err == nil { // else whoever signs says why not
				h.Signers[name] = plan.Signer{KeyID: k.ID, Place: k.Place}
			}
		}
	}
	h.Environment = v.environment()
	h.Container, h.Metadata = source.ContainerAddress(v.Source.Getenv), source.MetadataAddress(v.Source.Getenv)
	return h, v.limits(p, o, &h)
}

// limits reads the session policies that a plan for p may name. One that is nowhere is the
// plan's to refuse.
func (v *Vault) limits(p *profile.Profile, o plan.Options, h *plan.Holdings) error {
	names := slices.Clone(o.Limits)
	if o.Agent.Name != "" {
		h.Agents = profile.ReadAgentRules(v.Config, v.Inputs.Credentials)
		names = append(names, agentPolicies(p, h.Agents, o)...)
	}
	for _, name := range names {
		if text, ok := strings.CutPrefix(name, "file://"); ok {
			if err := v.policyFile(text, name, h); err != nil {
				return fmt.Errorf("session policy %s: %w", name, err)
			}
			continue
		}
		named, ok, err := v.Config.SessionPolicy(name)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if h.Named == nil {
			h.Named = map[string]plan.NamedPolicy{}
		}
		origin := cmp.Or(named.Text.Origin, named.ARNs.Origin)
		h.Named[name] = plan.NamedPolicy{Text: named.Text.Text, ARNs: named.List(), Origin: origin.String()}
		if path, ok := strings.CutPrefix(named.Text.Text, "file://"); ok {
			if err := v.policyFile(path, named.Text.Text, h); err != nil {
				return &plan.SettingError{Origin: named.Text.Origin, Err: err}
			}
		}
	}
	return nil
}

// agentPolicies names the policies that may limit a coding agent's credentials of p.
func agentPolicies(p *profile.Profile, rules profile.AgentRules, o plan.Options) []string {
	var values []profile.Value
	of := func(principal profile.Principal) {
		for _, r := range rules.Of(principal) {
			values = append(values, r.Access)
		}
	}
	for q := p; q != nil; q = q.Source {
		values = append(values, q.Value("agent_access"))
		of(profile.RolePrincipal(q.Text("role_arn")))
		of(profile.SSOPrincipal(q.Text("sso_account_id"), q.Text("sso_role_name")))
		of(profile.SignInPrincipal(q.Text("login_session")))
	}
	for _, arn := range o.Then {
		of(profile.RolePrincipal(arn))
	}
	var names []string
	for _, v := range append(values, rules.Default) {
		if v.Text != "" && !slices.Contains(names, v.Text) {
			names = append(names, v.Text)
		}
	}
	return names
}

// policyFile reads a session policy, and keeps it under the name that it was given.
func (v *Vault) policyFile(path, name string, h *plan.Holdings) error {
	text, err := v.read(path, maxFile)
	if err != nil {
		return err
	}
	if h.Policies == nil {
		h.Policies = map[string]string{}
	}
	h.Policies[name] = string(text)
	return nil
}

// identity finds out who is signed in to the OpenID provider of q, if q begins there.
func (v *Vault) identity(ctx context.Context, q *profile.Profile, h plan.Holdings) error {
	to, err := plan.Provider(q)
	if err != nil || q.Source != nil {
		return nil // whoever plans says so
	}
	if v.Shows {
		if who := v.Source.OpenID(to).Hint(); who != "" {
			h.Identities[to.Token()] = plan.Identity{Subject: who}
		}
		return nil
	}
	held, ok, err := v.Source.OpenID(to).Held(ctx)
	if ok {
		h.Identities[to.Token()] = held.Identity
	}
	return err
}

// signIns finds out which sign-in to Identity Center, or of aws login, q begins with. Where
// plans are made to be shown, nothing is opened for that, and what the index says may be wrong.
func (v *Vault) signIns(ctx context.Context, q *profile.Profile, h plan.Holdings) error {
	if q.Source != nil || v.Source.Tokens == nil {
		return nil
	}
	held := func(name plan.Digest, find func() (string, error)) (err error) {
		if v.Shows {
			e, _ := v.Source.Tokens.Index.Entry(string(name))
			h.SignIns[name] = e.Who
			return nil
		}
		h.SignIns[name], err = find()
		return err
	}
	if sso, _, err := plan.Portal(q); err == nil {
		return held(sso.Token(), func() (string, error) { return v.Source.SSO(plan.Endpoint{}, sso).Known(ctx) })
	}
	if session := q.Text("login_session"); session != "" {
		l := plan.Login{Session: session}
		return held(l.Token(), func() (string, error) { return v.Source.LoginSignIn(ctx, l) })
	}
	return nil
}

func (v *Vault) environment() *plan.EnvironmentKey {
	id, secret, token := v.env("AWS_ACCESS_KEY_ID"), v.env("AWS_SECRET_ACCESS_KEY"), v.env("AWS_SESSION_TOKEN")
	if id == "" || secret == "" {
		return nil
	}
	return &plan.EnvironmentKey{Fingerprint: plan.Fingerprint(id, secret, token), Temporary: token != ""}
}

func (v *Vault) env(name string) string {
	value, _ := v.Source.Getenv(name)
	return value
}

// maxFile bounds what is read of a policy or a token that a profile names.
const maxFile = 64 << 10

// files reads the files that decide which session answers: policies, and tokens for
// whose they are.
func (v *Vault) files(q *profile.Profile, h plan.Holdings) error {
	if name := q.Text("session_policy"); strings.HasPrefix(name, "file://") {
		if err := v.policyFile(strings.TrimPrefix(name, "file://"), name, &h); err != nil {
			return &plan.SettingError{Origin: q.Value("session_policy").Origin, Err: err}
		}
	}
	if path := q.Text("web_identity_token_file"); path != "" {
		if token, err := v.read(path, maxFile); err == nil { // else the step that needs it says so
			h.Subjects[path] = plan.TokenSubject(token)
		}
	}
	if path := q.Text("certificate"); path != "" {
		if text, err := v.read(path, certificate.MaxFile); err == nil { // likewise
			h.Certificates[path] = plan.Fingerprint(string(text))
		}
	}
	return nil
}

func (v *Vault) read(path string, most int64) ([]byte, error) {
	f, err := v.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return text, nil
}
