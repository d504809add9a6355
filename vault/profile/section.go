package profile

import "slices"

// section is one header and the lines up to the next one.
type section struct {
	kind     sectionKind
	name     string
	header   string // between the brackets
	line     int    // the header's
	begin    int    // where the header's line begins in the text
	start    int    // where the lines after the header begin
	end      int
	previous int // the section of the same name before this one, of any kind; 0 for none
}

// before returns the section of the same kind and name before s, or nil if s is the first one.
func (f *File) before(s *section) *section {
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

// named returns the sections of that kind and name, the one that counts most last.
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
		// [profile default] counts more than [default], wherever they stand: the Go SDK's rule.
		slices.SortStableFunc(all, func(a, b *section) int { return a.rank() - b.rank() })
	}
	return all
}

// rank puts the two ways to head the default profile in order.
func (s *section) rank() int {
	if s.header == defaultName {
		return 0
	}
	return 1
}

// names returns the names that sections of a kind have, in the order of the file, each once.
func (f *File) names(k sectionKind) []string {
	names := make([]string, 0, len(f.sections)) // most sections are profiles
	for i := range f.sections {
		if s := &f.sections[i]; s.kind == k && f.before(s) == nil {
			names = append(names, s.name)
		}
	}
	return names
}
