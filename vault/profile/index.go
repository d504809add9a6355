package profile

import (
	"hash/maphash"
	"slices"
)

// An index is a hash table of the sections, whose lists are linked through the heads. A map of
// their names would take longer to make than the file takes to read.
type index struct {
	seed  maphash.Seed
	lists []uint32 // the first head of each list, 0 for none; as many as a power of two
}

// sum is the same for all sections of a kind and name, and another one for most others.
func (x *index) sum(k sectionKind, name string) uint32 {
	return uint32(maphash.String(x.seed, name)) + uint32(k)
}

func (x *index) list(sum uint32) *uint32 { return &x.lists[sum&uint32(len(x.lists)-1)] }

// fill puts the heads into lists, in the order of the file.
func (x *index) fill(heads []head) {
	n := 1
	for n < len(heads) {
		n *= 2
	}
	x.lists = make([]uint32, n)
	for i := len(heads) - 1; i > 0; i-- {
		list := x.list(heads[i].sum)
		heads[i].next, *list = *list, uint32(i)
	}
}

// after returns the next section of that kind and name behind another one, or the first one
// behind section 0. It returns 0 for none.
func (f *File) after(i int, k sectionKind, name string) int {
	if len(f.heads) == 0 {
		return 0
	}
	sum := f.index.sum(k, name)
	next := f.heads[i].next
	if i == 0 {
		next = *f.index.list(sum)
	}
	for ; next != 0; next = f.heads[next].next {
		if f.heads[next].sum != sum {
			continue
		}
		if s := f.section(int(next)); s.kind == k && s.name == name {
			break
		}
	}
	return int(next)
}

// before returns the section of the same kind and name that stands before s.
func (f *File) before(s *section) (before section, repeated bool) {
	if s.name == "" {
		return section{}, false
	}
	last := 0
	for i := f.after(0, s.kind, s.name); i < s.at; i = f.after(i, s.kind, s.name) {
		last = i
	}
	return f.section(last), last != 0
}

// named returns the sections of that kind and name, the one that counts most last.
func (f *File) named(k sectionKind, name string) []*section {
	if f == nil {
		return nil
	}
	var all []*section
	for i := f.after(0, k, name); i != 0; i = f.after(i, k, name) {
		s := f.section(i)
		all = append(all, &s)
	}
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
	names := make([]string, 0, len(f.heads)) // most sections are profiles
	for i := range f.heads {
		if s := f.section(i); s.kind == k && f.after(0, k, s.name) == i {
			names = append(names, s.name)
		}
	}
	return names
}
