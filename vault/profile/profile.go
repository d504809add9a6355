// Package profile parses and edits the text of the AWS config file, and resolves a name to settings,
// each with its origin. It touches neither files nor the environment: the caller gives the text and the variables, and
// decides what the settings mean together.
package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Profile is what the settings of one name come to. Its values have been checked: each that is
// set has the form that its setting asks for.
type Profile struct {
	Name    string
	Defined bool     // it has a section in the config or the credentials file
	Source  *Profile // what source_profile names; nil for none, or where it names the profile itself

	values    map[string]Value
	endpoints endpoints
	warnings  []Problem
}

// Value returns the text of a setting and where it stands, and the zero Value if it stands nowhere.
// A setting that was given as empty has an origin and no text.
func (p *Profile) Value(setting string) Value { return p.values[setting] }

// Text returns the text of a setting, and "" where it is not set.
func (p *Profile) Text(setting string) string { return p.values[setting].Text }

// Set tells whether a setting stands somewhere and is not empty.
func (p *Profile) Set(setting string) bool { return p.values[setting].Text != "" }

// Duration returns a setting that is a length of time, and 0 where it is not set.
func (p *Profile) Duration(setting string) time.Duration {
	d, _ := readDuration(p.Text(setting))
	return d
}

// Bool tells whether a setting is true. One that is not set is false.
func (p *Profile) Bool(setting string) bool { return strings.EqualFold(p.Text(setting), "true") }

// List returns the entries of a setting that is a list between commas, without blanks around
// them and without empty ones.
func (p *Profile) List(setting string) []string { return splitList(p.Text(setting)) }

// Tags returns the KEY=VALUE pairs of a setting, sorted by key, and nil where it is not set.
func (p *Profile) Tags(setting string) []Tag {
	tags, _ := readTags(p.Text(setting))
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags
}

// Names returns the settings that stand somewhere, empty ones included, sorted.
func (p *Profile) Names() []string { return slices.Sorted(maps.Keys(p.values)) }

// Warnings returns what is doubtful in the sections that the settings were taken from, such as
// a key given twice.
func (p *Profile) Warnings() []Problem { return slices.Clone(p.warnings) }

// Format prints the name and none of the values, which may be secret.
func (p Profile) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "Profile(%s)", p.Name)
}
