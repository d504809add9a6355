package profile

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

const (
	maxNear     = 3
	maxNearName = 64 // maximum length in bytes of a compared name; comparing longer names takes too long
	maxMissing  = 20 // maximum number of missing names per file for which similar names are searched for
)

// A nearCache remembers the similar names for each missing name. A search for similar names compares the missing
// name with all names. Because of the cache, there is only one search for each missing name, even if a thousand
// profiles refer to it.
type nearCache struct {
	mu    sync.Mutex
	names map[missingName][]string
}

type missingName struct {
	kind sectionKind
	name string
}

// find returns up to three names of sections of that kind that are similar to name, best match
// first.
func (n *nearCache) find(f *File, k sectionKind, name string) []string {
	if n == nil {
		return nil // the zero File, which has no sections
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	key := missingName{k, name}
	if near, known := n.names[key]; known || len(n.names) == maxMissing {
		return near
	}
	if n.names == nil {
		n.names = map[missingName][]string{}
	}
	n.names[key] = Nearest(name, f.names(k))
	return n.names[key]
}

// Nearest returns up to three of the names that are similar to name, best match first.
func Nearest(name string, among []string) []string {
	type candidate struct {
		name  string
		steps int
	}
	var near []candidate
	limit := 1 + len(name)/4
	for _, other := range among {
		if len(other) > maxNearName || len(name) > maxNearName || other == name {
			continue
		}
		steps := editSteps(strings.ToLower(name), strings.ToLower(other))
		if steps > limit && len(name) >= 3 && strings.Contains(strings.ToLower(other), strings.ToLower(name)) {
			steps = limit
		}
		if steps <= limit {
			near = append(near, candidate{other, steps})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(a.steps-b.steps, strings.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range near[:min(len(near), maxNear)] {
		names = append(names, c.name)
	}
	return names
}

// editSteps returns the number of edits that turn one name into the other. An edit inserts, removes or
// replaces one letter, or swaps two adjacent letters.
func editSteps(from, to string) int {
	a, b := []rune(from), []rune(to)
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
