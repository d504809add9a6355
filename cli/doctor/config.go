package doctor

import (
	"context"
	"runtime"

	"aws-vault/cli/app"
	"aws-vault/prompt"
	"aws-vault/vault/doctor"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// checkConfig parses the config files and plans the credentials of each profile.
func (p *probe) checkConfig(ctx context.Context) []doctor.Finding {
	config, in, err := p.Env.ReadConfig(nil)
	if err != nil {
		p.config, p.inputs = &profile.File{}, profile.Inputs{Env: p.Env.Getenv}
		return []doctor.Finding{doctor.ErrorFinding("", err)}
	}
	p.config, p.inputs = config, in
	c := doctor.Config{File: config, Inputs: in}
	if p.listed {
		s := p.Assemble(config, in, p.locks, p.state, p.keystore)
		s.Keys = &store.Keys{Ring: newListedKeys(p.keystore.Keys, p.keys), Dir: s.Keys.Dir}
		c.Plan = func(name string) (plan.Plan, error) {
			pl, err := s.Preview(ctx, name, plan.Options{SessionName: app.SessionName(p.Env.User)})
			for _, step := range pl.Steps {
				p.recordNeeds(step)
			}
			return pl, err
		}
	}
	return c.Check()
}

// recordNeeds records whether a step needs a prompt, a security key or a certificate. Later checks use these
// records.
func (p *probe) recordNeeds(s plan.Step) {
	m := s.MFA
	p.needsSecurityKey = p.needsSecurityKey || m.Serial != "" && m.Process == "" && m.Device != ""
	p.needsPrompt = p.needsPrompt || m.Serial != "" && m.Process == "" && m.Device == ""
	if spec, ok := s.Spec.(plan.RolesAnywhere); ok {
		if p.certificates == nil {
			p.certificates = map[plan.RolesAnywhere]bool{}
		}
		p.certificates[spec] = true
	}
}

// checkPrompts checks that the user can be prompted, if a profile needs prompts.
func (p *probe) checkPrompts(context.Context) []doctor.Finding {
	err := p.CanAsk(prompt.Options{})
	if err == nil || !p.needsPrompt && p.Globals.Prompt == "" {
		return nil
	}
	f := doctor.ErrorFinding("prompt", err)
	if p.Globals.Prompt == "" {
		f.Severity = doctor.Warning // prompts may work in another terminal or desktop session
	}
	return []doctor.Finding{f}
}

// checkNetwork checks that AWS can be reached with the configured proxy and root certificates. It also compares the
// clock of this machine with the clock of AWS.
func (p *probe) checkNetwork(ctx context.Context) []doctor.Finding {
	name, _ := p.Env.Getenv("AWS_PROFILE")
	if name == "" {
		name = "default"
	}
	q, err := p.config.Resolve(name, p.inputs)
	if err != nil {
		return nil // checkConfig reported the error
	}
	s := p.Assemble(p.config, p.inputs, p.locks, p.state, &keystore.Keystore{})
	s.Source.Notify, s.Source.AWS.Notify = nil, nil
	at := plan.STS(q)
	proxy, err := s.Source.STS(at).CheckProxy()
	if err != nil {
		return []doctor.Finding{doctor.ErrorFinding("network", err)}
	}
	var all []doctor.Finding
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		text, _ := p.Env.Getenv(name)
		all = append(all, doctor.CheckProxy(name, text)...)
	}
	if proxy != "" {
		all = append(all, doctor.Finding{Severity: doctor.Note, Where: "network", What: "AWS is called through the proxy " + proxy})
	}
	if p.offline {
		return append(all, doctor.Finding{Severity: doctor.Note, Where: "clock", What: "not compared with the clock of AWS because of --offline"})
	}
	return append(all, p.compareClocks(ctx, s.Source, at)...)
}

func (p *probe) compareClocks(ctx context.Context, from *source.Deps, at plan.Call) []doctor.Finding {
	before := p.Env.Now()
	date, err := from.STS(at).Date(ctx)
	if err != nil {
		return []doctor.Finding{doctor.ErrorFinding("network", err)}
	}
	now := p.Env.Now()
	return doctor.CheckClock(runtime.GOOS, before.Add(now.Sub(before)/2), date)
}
