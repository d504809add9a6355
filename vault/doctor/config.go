package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// A Config holds the AWS config file and the other inputs that Check needs to resolve profiles.
type Config struct {
	File   *profile.File
	Inputs profile.Inputs

	// Plan returns the plan for the credentials of a profile. Plan is nil if the names of the stored keys are not
	// available.
	Plan func(name string) (plan.Plan, error)
}

// Check resolves each profile and plans its credentials. It also checks the oidc-sessions, the session policies,
// and the lines of the config file and the shared credentials file.
func (c Config) Check() []Finding {
	p := c.checkProfiles()
	all := append(p.findings(), c.checkOIDCSessions(p)...)
	all = append(all, policyFindings(c.File)...)
	for _, f := range []*profile.File{c.File, c.Inputs.Credentials} {
		if f != nil {
			all = append(all, lineFindings(f, all)...)
			all = append(all, keyFindings(f)...)
		}
	}
	return all
}

// checkOIDCSessions returns the problems of the oidc-sessions. It skips errors that are already reported for a
// profile.
func (c Config) checkOIDCSessions(known *profileReport) []Finding {
	var all []Finding
	for _, name := range c.File.OIDCSessions() {
		in := c.Inputs
		in.Flags = map[string]profile.Flag{"oidc_session": {Name: "[oidc-session " + name + "]", Text: name}}
		p, err := c.File.Resolve("", in)
		if err == nil {
			_, err = plan.Provider(p)
		}
		if err == nil || known.seen[err.Error()] {
			continue
		}
		where, what := splitOrigin(err)
		all = append(all, Finding{Severity: Error, Where: where, What: fmt.Sprintf("oidc-session %s cannot be used: %s", name, what), Err: err})
	}
	return all
}

// lineFindings returns the problems of single lines of a file. It skips lines for which known already has
// a finding.
func lineFindings(f *profile.File, known []Finding) []Finding {
	var all []Finding
	for _, p := range f.Problems() {
		where := p.Origin.String()
		if !slices.ContainsFunc(known, func(f Finding) bool { return f.Where == where }) {
			severity := Warning
			if p.Broken {
				severity = Error
			}
			all = append(all, Finding{Severity: severity, Where: where, What: p.Text})
		}
	}
	for _, u := range f.Unknown() {
		all = append(all, Finding{
			Severity: Warning, Where: u.Origin.String(), What: fmt.Sprintf("%s is not a known setting and has no effect", u.Origin.Name),
			Remedy: fmt.Sprintf("did you mean %s?", u.Near),
		})
	}
	return all
}

// keyFindings returns a warning for each long-lived access key in plain text.
func keyFindings(f *profile.File) []Finding {
	var all []Finding
	for _, k := range f.PlainKeys() {
		if !k.Temporary {
			all = append(all, Finding{
				Severity: Warning, Where: k.ID.Origin.String(), What: fmt.Sprintf("profile %s has a long-lived key in plain text", k.Profile),
				Remedy: "aws-vault import --delete " + k.Profile,
			})
		}
	}
	return all
}

// A settingUses groups the profiles that use a setting, so that each setting is reported only once.
type settingUses struct {
	order    []string
	profiles map[string][]string
	where    map[string]string
}

func (t *settingUses) add(what, where, name string) {
	if t.profiles == nil {
		t.profiles, t.where = map[string][]string{}, map[string]string{}
	}
	if _, ok := t.profiles[what]; !ok {
		t.order = append(t.order, what)
		t.where[what] = where
	}
	t.profiles[what] = append(t.profiles[what], name)
}

// A profileReport collects the findings about all profiles.
type profileReport struct {
	broken        []Finding
	seen          map[string]bool // texts of errors, and places of findings, that are already reported
	noCredentials []string        // profiles without credentials
	noRegion      []string
	inherited     settingUses // settings from [default] that the AWS CLI does not apply to other profiles
	nonCLI        settingUses // settings that the AWS CLI does not read
}

func (c Config) checkProfiles() *profileReport {
	s := &profileReport{seen: map[string]bool{}}
	names := c.File.Profiles()
	if c.Inputs.Credentials != nil {
		for _, name := range c.Inputs.Credentials.Profiles() {
			if !c.File.Has(name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		p, err := c.File.Resolve(name, c.Inputs)
		if err != nil {
			s.addError(name, err)
			continue
		}
		s.settings(p)
		if f, ok := c.checkAgentAccess(p); ok && !s.seen[f.Where] {
			s.seen[f.Where] = true // report a value only once, even if several profiles inherit it
			s.broken = append(s.broken, f)
		}
		c.checkPlan(s, p)
	}
	return s
}

// addError adds an error. If several profiles have the same error, it is reported once.
func (s *profileReport) addError(name string, err error) {
	if text := err.Error(); !s.seen[text] {
		s.seen[text] = true
		where, what := splitOrigin(err)
		s.broken = append(s.broken, Finding{Severity: Error, Where: where, What: fmt.Sprintf("profile %s cannot be used: %s", name, what), Err: err})
	}
}

// splitOrigin splits the text of an error into two parts. The first part is a place in a file, such as config:12. It is
// empty if the text does not start with a place. The second part is the rest of the text.
func splitOrigin(err error) (where, what string) {
	var value *profile.ValueError
	var syntax *profile.SyntaxError
	var loop *profile.LoopError
	var missing *profile.MissingError
	var setting *plan.SettingError
	var half *plan.MissingSettingError
	var nothing *plan.NoCredentialsError
	var untrusted *profile.UntrustedError
	switch {
	case errors.As(err, &untrusted):
		where = untrusted.Origin.String()
	case errors.As(err, &half):
		where = half.Origin.String()
	case errors.As(err, &value):
		where = value.Origin.String()
	case errors.As(err, &syntax):
		where = syntax.Origin.String()
	case errors.As(err, &loop):
		where = loop.Origin.String()
	case errors.As(err, &missing):
		where = missing.Origin.String()
	case errors.As(err, &setting):
		where = setting.Origin.String()
	case errors.As(err, &nothing):
		where = nothing.Origin.String()
	}
	what = err.Error()
	if rest, ok := strings.CutPrefix(what, where+": "); ok && where != "" {
		return where, rest
	}
	return "", what
}

// checkPlan plans the credentials of a profile and reports what is wrong.
func (c Config) checkPlan(s *profileReport, p *profile.Profile) {
	if c.Plan == nil {
		return
	}
	pl, err := c.Plan(p.Name)
	var nothing *plan.NoCredentialsError
	switch {
	case errors.As(err, &nothing) && nothing.End == p.Name:
		s.noCredentials = append(s.noCredentials, p.Name)
	case err != nil:
		s.addError(p.Name, err)
	case pl.Region == "":
		s.noRegion = append(s.noRegion, p.Name)
	}
}

// nonCLISettings are the settings that the AWS CLI does not read.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
var nonCLISettings = []string{
	"include_profile", "mfa_process", "mfa_max_age", "source_identity", "session_tags", "transitive_session_tags",
	"session_policy", "session_policy_arns", "agent_access", "web_identity_token_process", "oidc_session", "oidc_issuer", "role_session_name_claim",
}

// notInheritedByCLI lists settings that aws-vault inherits from [default] but the AWS CLI does not.
var notInheritedByCLI = []string{"region", "mfa_serial", "duration_seconds", "endpoint_url", "ca_bundle"}

func (s *profileReport) settings(p *profile.Profile) {
	for _, name := range nonCLISettings {
		if v := p.Value(name); v.Text != "" && inFile(v) {
			s.nonCLI.add(name, v.Origin.String(), p.Name)
		}
	}
	if p.Name == "default" {
		return
	}
	for _, name := range notInheritedByCLI {
		if v := p.Value(name); v.Text != "" && inFile(v) && v.Origin.InDefault() {
			s.inherited.add(name, v.Origin.String(), p.Name)
		}
	}
}

func inFile(v profile.Value) bool {
	return v.Origin.Kind == profile.ConfigFile || v.Origin.Kind == profile.CredentialsFile
}

func (s *profileReport) findings() []Finding {
	all := s.broken
	if len(s.noCredentials) > 0 {
		all = append(all, Finding{
			Severity: Note, What: nameProfiles(s.noCredentials) + ": no key is stored under this name, and no source of credentials is set",
			Remedy: "aws-vault add " + s.noCredentials[0],
		})
	}
	if len(s.noRegion) > 0 {
		all = append(all, Finding{
			Severity: Note, What: nameProfiles(s.noRegion) + ": no region is set, so aws-vault uses the default region of the partition (us-east-1 in most cases), and commands get no region",
			Remedy: "add a line: region = eu-west-1",
		})
	}
	for _, name := range s.inherited.order {
		all = append(all, Finding{
			Severity: Note, Where: s.inherited.where[name], What: fmt.Sprintf("aws-vault also uses %s for %s; the AWS CLI does not use settings of [default] for other profiles", name, nameProfiles(s.inherited.profiles[name])),
			Remedy: "set it in each profile that you also use with the AWS CLI alone",
		})
	}
	for _, name := range s.nonCLI.order {
		all = append(all, Finding{
			Severity: Note, Where: s.nonCLI.where[name], What: fmt.Sprintf("%s (%s) has no effect if you use the profile with the AWS CLI alone", name, nameProfiles(s.nonCLI.profiles[name])),
		})
	}
	return all
}
