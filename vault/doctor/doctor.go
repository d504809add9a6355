// Package doctor describes problems: where they are, what was found, and how to fix them. It only
// evaluates facts; callers collect the facts and print the findings.
package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// A Finding is one result of a check.
type Finding struct {
	Severity Severity `json:"severity"`
	Where    string   `json:"where,omitempty"` // a place in a file, a path, or the name of a variable
	What     string   `json:"what"`
	Remedy   string   `json:"remedy,omitempty"` // a command to run, or a line to write
	Err      error    `json:"-"`                // the underlying error, from which callers can find a remedy
}

// Severity is the importance of a finding.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // something will fail
	Warning Severity = "warning" // something may fail, or is not secure
	Note    Severity = "note"
)

// severities are in order of importance.
var severities = []Severity{Error, Warning, Note}

// Sort sorts findings by severity. Findings of the same severity stay in their order.
func Sort(all []Finding) {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
}

// Count returns the number of findings with that severity.
func Count(all []Finding, s Severity) int {
	n := 0
	for _, f := range all {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// ErrorFinding returns the finding for an error.
func ErrorFinding(where string, err error) Finding {
	return Finding{Severity: Error, Where: where, What: err.Error(), Err: err}
}

// maxNamed is the maximum number of profile names in a finding.
const maxNamed = 3

// nameProfiles returns a text that names at most maxNamed profiles. The text ends with the number of the other
// profiles.
func nameProfiles(names []string) string {
	if len(names) == 1 {
		return "profile " + names[0]
	}
	if len(names) <= maxNamed {
		last := len(names) - 1
		return "profiles " + strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return fmt.Sprintf("profiles %s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}
