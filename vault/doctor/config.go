package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// A Config is the AWS config file with all that is read beside it.
type Config struct {
	File   *profile.File
	Inputs profile.Inputs

	// Plan says how a profile's credentials would be made; nil where it is not known which
	// keys are stored.
	Plan func(name string) (plan.Plan, error)
}

// Check judges the files line by line and then each profile as it would be used.
func (c Config) Check() []Finding {
	p := c.profiles()
	all := append(p.findings(), c.sessions(p)...)
	all = append(all, policies(c.File)...)
	for _, f := range []*profile.File{c.File, c.Inputs.Credentials} {
		if f != nil {
			all = append(all, lines(f, all)...)
			all = append(all, keys(f)...)
		}
	}
	return all
}

// sessions are what is wrong with those oidc-sessions that no profile has led to.
func (c Config) sessions(known *survey) []Finding {
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
		where, what := place(err)
		all = append(all, Finding{Severity: Error, Where: where, What: fmt.Sprintf("oidc-session %s cannot be used: %s", name, what), Err: err})
	}
	return all
}

// lines are the doubts about the lines of a file, without those that broke a profile.
func lines(f *profile.File, known []Finding) []Finding {
	var all []Finding
	for _, p := range f.Problems() {
		where := p.Origin.String()
		if !slices.ContainsFunc(known, func(f Finding) bool { return f.Where == where }) {
			all = append(all, Finding{Severity: Warning, Where: where, What: p.Text})
		}
	}
	for _, u := range f.Unknown() {
		all = append(all, Finding{
			Severity: Warning, Where: u.Origin.String(), What: fmt.Sprintf("%s is no setting, so it does nothing", u.Origin.Name),
			Remedy: fmt.Sprintf("did you mean %s?", u.Near),
		})
	}
	return all
}

// keys are the access keys that anybody who can read the file can use.
func keys(f *profile.File) []Finding {
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

// A tally gathers what is true of many profiles, to be said once.
type tally struct {
	order []string
	of    map[string][]string
	where map[string]string
}

func (t *tally) add(what, where, name string) {
	if t.of == nil {
		t.of, t.where = map[string][]string{}, map[string]string{}
	}
	if _, ok := t.of[what]; !ok {
		t.order = append(t.order, what)
		t.where[what] = where
	}
	t.of[what] = append(t.of[what], name)
}

// A survey is what the profiles came to.
type survey struct {
	broken    []Finding
	seen      map[string]bool // errors that were said
	nothing   []string        // profiles without credentials
	noRegion  []string
	inherited tally // settings that come from [default], where the AWS CLI reads none
	ours      tally // settings that the AWS CLI does not know
}

func (c Config) profiles() *survey {
	s := &survey{seen: map[string]bool{}}
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
			s.met(name, err)
			continue
		}
		s.settings(p)
		if f, ok := c.access(p); ok && !s.seen[f.Where] {
			s.seen[f.Where] = true // [default] gives it to many
			s.broken = append(s.broken, f)
		}
		c.use(s, p)
	}
	return s
}

// met keeps an error once, however many profiles lead to it.
func (s *survey) met(name string, err error) {
	if text := err.Error(); !s.seen[text] {
		s.seen[text] = true
		where, what := place(err)
		s.broken = append(s.broken, Finding{Severity: Error, Where: where, What: fmt.Sprintf("profile %s cannot be used: %s", name, what), Err: err})
	}
}

// place parts an error's text from the place that it begins with.
func place(err error) (where, what string) {
	var value *profile.ValueError
	var syntax *profile.SyntaxError
	var loop *profile.LoopError
	var missing *profile.MissingError
	var setting *plan.SettingError
	var half *plan.MissingSettingError
	var nothing *plan.NoCredentialsError
	switch {
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

// use judges a profile as a command would use it.
func (c Config) use(s *survey, p *profile.Profile) {
	if c.Plan == nil {
		return
	}
	pl, err := c.Plan(p.Name)
	var nothing *plan.NoCredentialsError
	switch {
	case errors.As(err, &nothing) && nothing.End == p.Name:
		s.nothing = append(s.nothing, p.Name)
	case err != nil:
		s.met(p.Name, err)
	case pl.Region == "":
		s.noRegion = append(s.noRegion, p.Name)
	}
}

// ours are the settings that the AWS CLI does not read.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
var ours = []string{
	"include_profile", "mfa_process", "mfa_max_age", "source_identity", "session_tags", "transitive_session_tags",
	"session_policy", "session_policy_arns", "agent_access", "web_identity_token_process", "oidc_session", "oidc_issuer", "role_session_name_claim",
}

// passedOn are the settings that decide something and that the AWS CLI does not take from
// [default].
var passedOn = []string{"region", "mfa_serial", "duration_seconds", "endpoint_url", "ca_bundle"}

func (s *survey) settings(p *profile.Profile) {
	for _, name := range ours {
		if v := p.Value(name); v.Text != "" && inFile(v) {
			s.ours.add(name, v.Origin.String(), p.Name)
		}
	}
	if p.Name == "default" {
		return
	}
	for _, name := range passedOn {
		if v := p.Value(name); v.Text != "" && inFile(v) && v.Origin.InDefault() {
			s.inherited.add(name, v.Origin.String(), p.Name)
		}
	}
}

func inFile(v profile.Value) bool {
	return v.Origin.Kind == profile.ConfigFile || v.Origin.Kind == profile.CredentialsFile
}

func (s *survey) findings() []Finding {
	all := s.broken
	if len(s.nothing) > 0 {
		all = append(all, Finding{
			Severity: Note, What: profiles(s.nothing) + ": no key is stored under the name, and no source of credentials is set",
			Remedy: "aws-vault add " + s.nothing[0],
		})
	}
	if len(s.noRegion) > 0 {
		all = append(all, Finding{
			Severity: Note, What: profiles(s.noRegion) + ": no region is set, so us-east-1 or its like is called, and commands are told none",
			Remedy: "write: region = eu-west-1",
		})
	}
	for _, name := range s.inherited.order {
		all = append(all, Finding{
			Severity: Note, Where: s.inherited.where[name], What: fmt.Sprintf("%s counts for %s too; the AWS CLI does not pass on what stands in [default]", name, profiles(s.inherited.of[name])),
			Remedy: "write it in each profile that the AWS CLI is to use by itself",
		})
	}
	for _, name := range s.ours.order {
		all = append(all, Finding{
			Severity: Note, Where: s.ours.where[name], What: fmt.Sprintf("%s (%s) is not read by the AWS CLI when it uses the profile by itself", name, profiles(s.ours.of[name])),
		})
	}
	return all
}
