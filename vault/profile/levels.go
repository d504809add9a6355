package profile

import "slices"

// level holds the keys of one profile in the config file and in the credentials file. Resolve reads the settings of
// a profile from several levels: the profile itself, each profile that it includes, and [default].
type level struct {
	config      *body
	credentials *body
	viaDefault  bool // whether the profile is reached only through [default], which passes on only some settings
}

// bodies returns the keys of both files in order of priority. The config file has priority, except for
// access keys: the credentials file has priority for these, as in the AWS SDKs.
func (l level) bodies(s *setting) [2]*body {
	switch s.name {
	case accessKeyID, secretAccessKey, sessionToken:
		return [2]*body{l.credentials, l.config}
	}
	return [2]*body{l.config, l.credentials}
}

// levels returns the levels of a profile in order of priority: the profile, the profiles that it
// includes, and [default] with the profiles that it includes.
func (r *resolver) levels(name string) ([]level, error) {
	w := walk{resolver: r, seen: map[string]bool{}}
	if err := w.follow(name); err != nil {
		return nil, err
	}
	if !w.seen[defaultName] {
		w.names, w.viaDefault = nil, true
		if err := w.follow(defaultName); err != nil {
			return nil, err
		}
	}
	return w.levels, nil
}

// walk follows the include_profile settings from one profile to the next.
type walk struct {
	*resolver
	levels     []level
	names      []string
	seen       map[string]bool
	viaDefault bool
}

func (w *walk) follow(name string) error {
	var from Value
	for name != "" {
		if w.seen[name] {
			return w.loop(name, from.Origin)
		}
		if len(w.names) > maxDepth {
			return tooDeep(includeProfile, name, from.Origin)
		}
		if from.Text != "" && !w.config.Has(name) && !w.in.Credentials.Has(name) {
			return missing(w.config, from, includeProfile, profileSection)
		}
		l, err := w.level(name)
		if err != nil {
			return err
		}
		w.seen[name] = true
		w.names = append(w.names, name)
		w.levels = append(w.levels, l)
		from = l.include()
		name = from.Text
	}
	return nil
}

// loop returns a LoopError for a profile that the walk has already visited. It returns nil for a loop that is reached
// only through [default], because the requested profile does not cause that loop.
func (w *walk) loop(name string, origin Origin) error {
	if w.viaDefault {
		return nil
	}
	circle := w.names[slices.Index(w.names, name):]
	return &LoopError{includeProfile, append(slices.Clone(circle), name), origin}
}

func (w *walk) level(name string) (level, error) {
	config, err := w.body(w.config, name)
	if err != nil {
		return level{}, err
	}
	credentials, err := w.body(w.in.Credentials, name)
	return level{config, credentials, w.viaDefault}, err
}

// body returns the keys that a file has for a profile. Each profile is read only once.
func (r *resolver) body(f *File, name string) (*body, error) {
	if f == nil {
		return nil, nil
	}
	if b, ok := r.bodies[fileName{f, name}]; ok {
		return b, nil
	}
	b, err := f.body(profileSection, name)
	if err == nil {
		r.bodies[fileName{f, name}] = b
	}
	return b, err
}

func (l level) include() Value {
	s := settingNamed(includeProfile)
	for _, b := range l.bodies(s) {
		if v, ok := b.value(s); ok {
			return v
		}
	}
	return Value{}
}

// levelWarnings returns all warnings about the sections of the levels.
func levelWarnings(levels []level) []Problem {
	var all []Problem
	for _, l := range levels {
		all = slices.Concat(all, l.config.problems(), l.credentials.problems())
	}
	return all
}
