package profile

import "slices"

// WithIdentity returns the text of the file with a section for an identity added at its
// end. It fails with an *[ExistsError] if there is one of that name, and otherwise as
// [File.WithProfile] does.
func (f *File) WithIdentity(name string, settings []Setting) ([]byte, error) {
	if err := f.checkName(name); err != nil {
		return nil, err
	}
	if there := f.named(identitySection, name); len(there) > 0 {
		return nil, &ExistsError{Origin: f.origin(there[0], there[0].line, ""), Name: "identity " + name}
	}
	for _, s := range settings {
		if err := checkSetting(s); err != nil {
			return nil, err
		}
	}
	text := f.text + f.newSection(headerOf("identity", name), settings)
	again, err := parse(f.path, f.kind, []byte(text))
	if err != nil {
		return nil, err
	}
	b, err := again.body(identitySection, name)
	if err != nil || b == nil || !slices.Equal(again.Profiles(), f.Profiles()) {
		return nil, &ValueError{Setting: "name", Found: shorten(name), Want: "an identity that reads back as it was written"}
	}
	return []byte(text), nil
}

// ExistsError is returned for a section that would be written over another.
type ExistsError struct {
	Origin Origin
	Name   string
}

func (e *ExistsError) Error() string {
	return e.Origin.String() + ": there is a section for " + e.Name + " already"
}
