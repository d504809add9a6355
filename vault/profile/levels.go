package profile

import "slices"

// level is what the files say under one name, on the way from a profile to [default].
type level struct {
	config      *body
	credentials *body
	ambient     bool // reached through [default] alone: passes on only what is ambient
}

// bodies returns the two files' parts, the one that counts first for the setting. For keys that
// is the credentials file, as the SDKs have it.
func (l level) bodies(s *setting) [2]*body {
	switch s.name {
	case accessKeyID, secretAccessKey, sessionToken:
		return [2]*body{l.credentials, l.config}
	}
	return [2]*body{l.config, l.credentials}
}

// levels returns the profile, what it includes, and [default] with what that includes.
func (r *resolver) levels(name string) ([]level, error) {
	w := walk{resolver: r, seen: map[string]bool{}}
	if err := w.follow(name); err != nil {
		return nil, err
	}
	if !w.seen[defaultName] {
		w.names, w.ambient = nil, true
		if err := w.follow(defaultName); err != nil {
			return nil, err
		}
	}
	return w.levels, nil
}

// walk goes along include_profile.
type walk struct {
	*resolver
	levels  []level
	names   []string
	seen    map[string]bool
	ambient bool
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

// loop returns the error for a name that comes a second time. On the way from [default] the walk
// just ends: what [default] includes may include [default], or be where the walk came from, and
// the profiles that pass by are not to blame.
func (w *walk) loop(name string, origin Origin) error {
	if w.ambient {
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
	return level{config, credentials, w.ambient}, err
}

// body reads what a file says about a profile, once.
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

// warnings returns what is doubtful in the sections of the levels.
func warnings(levels []level) []Problem {
	var all []Problem
	for _, l := range levels {
		all = slices.Concat(all, l.config.doubts(), l.credentials.doubts())
	}
	return all
}
