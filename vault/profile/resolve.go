package profile

import (
	"fmt"
	"slices"
)

// maxDepth is the maximum number of profiles in a chain of source_profile or include_profile settings.
const maxDepth = 64

// Inputs are the sources of settings in addition to the config file.
type Inputs struct {
	Flags       map[string]Flag             // flags by setting; they apply to the requested profile
	Env         func(string) (string, bool) // looks up an environment variable; nil for an empty environment
	Credentials *File                       // the shared credentials file, or nil
}

// Flag is the value that a command line flag sets.
type Flag struct{ Name, Text string }

// Resolve returns the settings of the named profile and of its source profiles. For each setting,
// the order of priority is: flag, environment variable, the profile, the profiles that it includes,
// [default]. An empty variable is ignored, but an empty value in a file is used.
//
// A profile without a section is not an error: it has the settings of [default], and Defined is
// false. The errors are *SyntaxError, *ValueError, *LoopError, *MissingError and *UntrustedError.
func (f *File) Resolve(name string, in Inputs) (*Profile, error) {
	r := resolver{config: f, in: in, bodies: map[fileName]*body{}}
	return r.profile(name, nil, Origin{})
}

type resolver struct {
	config *File
	in     Inputs
	bodies map[fileName]*body
}

type fileName struct {
	file *File
	name string
}

// profile resolves one profile. path has the names of the profiles that led to this profile through
// source_profile. origin is the place of the source_profile setting that names this profile.
func (r *resolver) profile(name string, path []string, origin Origin) (*Profile, error) {
	if i := slices.Index(path, name); i >= 0 {
		return nil, &LoopError{sourceProfile, append(slices.Clone(path[i:]), name), origin}
	}
	if len(path) > maxDepth {
		return nil, tooDeep(sourceProfile, name, origin)
	}
	levels, err := r.levels(name)
	if err != nil {
		return nil, err
	}
	p := &Profile{
		Name:    name,
		Defined: r.config.Has(name) || r.in.Credentials.Has(name),
		values:  map[string]Value{},
	}
	if !p.Defined {
		p.Unread = r.config.unreadSection(name)
	}
	p.warnings = levelWarnings(levels)
	if err := r.fill(p, levels, len(path) == 0); err != nil {
		return nil, err
	}
	source := p.Value(sourceProfile)
	if source.Text == "" || source.Text == name {
		return p, nil
	}
	p.Source, err = r.profile(source.Text, append(path, name), source.Origin)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func tooDeep(setting, name string, origin Origin) error {
	return &ValueError{origin, setting, shorten(name), fmt.Sprintf("a chain of at most %d profiles", maxDepth)}
}

// fill sets and checks the values of all settings in the profile. first is true for the requested profile, and
// false for a source profile.
func (r *resolver) fill(p *Profile, levels []level, first bool) error {
	ranks := map[string]int{}
	for i := range settings {
		s := &settings[i]
		v, rank, ok := r.pick(s, levels, first)
		if ok {
			p.values[s.name] = v
			ranks[s.name] = rank
		}
	}
	dropOverridden(p.values, ranks)
	for _, shared := range sharedSessions {
		if err := r.session(p, ranks, shared); err != nil {
			return err
		}
	}
	for i := range settings {
		if err := settings[i].check(p.values[settings[i].name]); err != nil {
			return err
		}
	}
	if err := r.checkTrust(p); err != nil {
		return err
	}
	var err error
	p.endpoints, err = r.endpoints(p)
	return err
}

// envRank is the rank of values from the environment. A lower rank has priority: flags have a lower rank
// than the environment, and files have a higher rank.
const envRank = -1

// pick returns the value of a setting and its rank. A lower rank has priority.
func (r *resolver) pick(s *setting, levels []level, first bool) (v Value, rank int, ok bool) {
	if first {
		if flag := r.in.Flags[s.name]; flag.Text != "" {
			return Value{Text: flag.Text, Origin: Origin{Kind: CommandLine, Name: flag.Name}, secret: s.isSecret()}, -2, true
		}
	}
	if first || s.scope == everyProfile {
		if v, ok := r.fromEnv(s); ok {
			return v, envRank, true
		}
	}
	for i, l := range levels {
		if l.viaDefault && s.inheritance != fromDefault {
			continue
		}
		for j, b := range l.bodies(s) {
			if v, ok := b.value(s); ok {
				v.inherited = l.viaDefault
				return v, 2*i + j, true
			}
		}
	}
	return Value{}, 0, false
}

func (r *resolver) fromEnv(s *setting) (Value, bool) {
	if s.name == "role_arn" && r.env("AWS_WEB_IDENTITY_TOKEN_FILE") != "" {
		return Value{}, false // with AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN is the role for the token in that file
	}
	for _, variable := range s.env {
		if text := r.env(variable); text != "" {
			return Value{Text: text, Origin: Origin{Kind: Environment, Name: variable}, secret: s.isSecret()}, true
		}
	}
	return Value{}, false
}

func (r *resolver) env(variable string) string {
	if r.in.Env == nil {
		return ""
	}
	text, _ := r.in.Env(variable)
	return text
}

// dropOverridden removes settings that conflict with a setting of higher priority. ranks holds the rank of each
// setting.
func dropOverridden(values map[string]Value, ranks map[string]int) {
	for _, pair := range alternatives {
		a, b := pair[0], pair[1]
		if values[a].Text == "" || values[b].Text == "" {
			continue
		}
		switch {
		case ranks[a] < ranks[b]:
			delete(values, b)
		case ranks[b] < ranks[a]:
			delete(values, a)
		}
	}
	best, found := 0, false
	for _, part := range keyParts {
		if values[part].Text != "" && (!found || ranks[part] < best) {
			best, found = ranks[part], true
		}
	}
	for _, part := range keyParts {
		// An ID and a secret from different places do not form an access key.
		if values[part].Text != "" && ranks[part] != best {
			delete(values, part)
		}
	}
}

// missing returns the error for a setting that names a section which does not exist or has a broken header.
func missing(f *File, v Value, setting string, k sectionKind) error {
	if err := f.brokenHeader(k, v.Text); err != nil {
		return err
	}
	return &MissingError{v.Origin, setting, shorten(v.Text), f.nearest.find(f, k, v.Text)}
}

// check returns a *ValueError if a value breaks the rule of its setting.
func (s *setting) check(v Value) error {
	rule := s.rule(v.Origin.Kind)
	if v.Text == "" || rule.ok(v.Text) {
		return nil
	}
	found := shorten(v.Text)
	if s.isSecret() {
		found = ""
	}
	return &ValueError{v.Origin, s.name, found, rule.String()}
}
