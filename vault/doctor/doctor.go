// Package doctor describes faults: where they are, what was found and how to fix them. It judges
// what it is shown: looking at the world, and printing, is left to the caller.
package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// A Finding is one thing to know.
type Finding struct {
	Severity Severity `json:"severity"`
	Where    string   `json:"where,omitempty"` // a place in a file, a path, a variable
	What     string   `json:"what"`
	Remedy   string   `json:"remedy,omitempty"` // a command, or a line to write
	Err      error    `json:"-"`                // what was met, for those who know a remedy
}

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // something will fail
	Warning Severity = "warning" // something may fail, or is unsafe
	Note    Severity = "note"
)

// severities are in the order in which they matter.
var severities = []Severity{Error, Warning, Note}

// Sort puts what matters most first, and leaves the order otherwise.
func Sort(all []Finding) {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
}

// Count returns how many findings have that severity.
func Count(all []Finding, s Severity) int {
	n := 0
	for _, f := range all {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Met is the finding for an error: what it is about will fail.
func Met(where string, err error) Finding {
	return Finding{Severity: Error, Where: where, What: err.Error(), Err: err}
}

// maxNamed is how many names a finding gives.
const maxNamed = 3

// profiles names some of many.
func profiles(names []string) string {
	if len(names) == 1 {
		return "profile " + names[0]
	}
	if len(names) <= maxNamed {
		last := len(names) - 1
		return "profiles " + strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return fmt.Sprintf("profiles %s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}
