package profile

import "slices"

// section is a header and the lines up to the next header.
type section struct {
	kind        sectionKind
	meant       sectionKind // for a brokenSection: the kind that its header probably meant
	name        string      // for a brokenSection: the name that its header probably meant, or ""
	header      string      // the text between the brackets; for a header without a closing bracket, the line
	line        int         // line number of the header
	headerStart int         // start of the header's line in the text
	bodyStart   int         // start of the line after the header
	end         int
	previous    int // index of the previous section with this name and any kind; 0 for none
}

// previousSection returns the previous section with the same kind and name as s, or nil if s is the
// first one.
func (f *File) previousSection(s *section) *section {
	if s.name == "" {
		return nil
	}
	for i := s.previous; i != 0; i = f.sections[i].previous {
		if f.sections[i].kind == s.kind {
			return &f.sections[i]
		}
	}
	return nil
}

// named returns the sections of that kind and name in ascending order of priority.
func (f *File) named(k sectionKind, name string) []*section {
	if f == nil {
		return nil
	}
	var all []*section
	for i := f.last[name]; i != 0; i = f.sections[i].previous {
		if f.sections[i].kind == k {
			all = append(all, &f.sections[i])
		}
	}
	slices.Reverse(all)
	if k == profileSection && name == defaultName {
		// As in the AWS SDK for Go, [profile default] has priority over [default], even if [default] comes later
		// in the file.
		slices.SortStableFunc(all, func(a, b *section) int { return a.rank() - b.rank() })
	}
	return all
}

// rank orders sections of the default profile: [default] has a lower rank than [profile default].
func (s *section) rank() int {
	if s.header == defaultName {
		return 0
	}
	return 1
}

// names returns the names of all sections of a kind, in the order of the file. Each name is
// returned once.
func (f *File) names(k sectionKind) []string {
	names := make([]string, 0, len(f.sections)) // enough for all sections, because most of them are profiles
	for i := range f.sections {
		if s := &f.sections[i]; s.kind == k && f.previousSection(s) == nil {
			names = append(names, s.name)
		}
	}
	return names
}
