package profile

import (
	"fmt"
	"slices"
)

// maxDepth bounds how many profiles may stand on each other, as sources or as includes.
const maxDepth = 64

// Inputs is what Resolve takes besides the config file.
type Inputs struct {
	Flags       map[string]Flag             // by setting; for the profile that was asked for
	Env         func(string) (string, bool) // nil for an empty environment
	Credentials *File                       // the shared credentials file, or nil
}

// Flag is what the command line gives for a setting.
type Flag struct{ Name, Text string }

// Resolve gathers the settings of the named profile and of those it takes its source from. Of
// each setting the first of these counts: flag, environment, the profile, what it includes,
// [default]. An empty variable counts as none; a key with an empty value counts.
//
// A profile without a section is no error: it has the settings of [default], and Defined is false.
// The errors are *SyntaxError, *ValueError, *LoopError and *MissingError.
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

// profile resolves one profile. Path holds the names that led to it by source_profile, and
// origin the last of those settings.
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
	p.warnings = warnings(levels)
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
	return &ValueError{origin, setting, shorten(name), fmt.Sprintf("at most %d profiles in a row", maxDepth)}
}

// fill puts the value of every setting into the profile and checks it.
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
	choose(p.values, ranks)
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
	var err error
	p.endpoints, err = r.endpoints(p)
	return err
}

// fromOutside is the rank of what no file says: the environment's; a flag's is before it.
const fromOutside = -1

// pick returns a setting's value and how far it was found: lower is more specific.
func (r *resolver) pick(s *setting, levels []level, first bool) (v Value, rank int, ok bool) {
	if first {
		if flag := r.in.Flags[s.name]; flag.Text != "" {
			return Value{Text: flag.Text, Origin: Origin{Kind: CommandLine, Name: flag.Name}, secret: s.hidden()}, -2, true
		}
	}
	if first || s.scope == every {
		if v, ok := r.fromEnv(s); ok {
			return v, fromOutside, true
		}
	}
	for i, l := range levels {
		if l.ambient && s.inherit != ambient {
			continue
		}
		for j, b := range l.bodies(s) {
			if v, ok := b.value(s); ok {
				v.inherited = l.ambient
				return v, 2*i + j, true
			}
		}
	}
	return Value{}, 0, false
}

func (r *resolver) fromEnv(s *setting) (Value, bool) {
	if s.name == "role_arn" && r.env("AWS_WEB_IDENTITY_TOKEN_FILE") != "" {
		return Value{}, false // the two variables belong together: the role is that token's
	}
	for _, variable := range s.env {
		if text := r.env(variable); text != "" {
			return Value{Text: text, Origin: Origin{Kind: Environment, Name: variable}, secret: s.hidden()}, true
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

// choose drops what a more specific place has ruled out.
func choose(values map[string]Value, ranks map[string]int) {
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
		// Half a key from here and half from there would be no key.
		if values[part].Text != "" && ranks[part] != best {
			delete(values, part)
		}
	}
}

// missing is the error for a setting that names a section which the file does not have.
func missing(f *File, v Value, setting string, k sectionKind) error {
	return &MissingError{v.Origin, setting, shorten(v.Text), f.near.find(f, k, v.Text)}
}

// check returns a *ValueError if a value is not what its setting asks for.
func (s *setting) check(v Value) error {
	rule := s.rule(v.Origin.Kind)
	if v.Text == "" || rule.ok(v.Text) {
		return nil
	}
	found := shorten(v.Text)
	if s.hidden() {
		found = ""
	}
	return &ValueError{v.Origin, s.name, found, rule.String()}
}
