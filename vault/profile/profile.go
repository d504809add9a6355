// Package profile parses and edits the text of the AWS config file. It resolves a profile name to settings. Each
// setting has an origin, such as a line of a file. The package accesses neither files nor the environment: the
// caller passes in the text and the variables. The caller also decides what a combination of settings means.
package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Profile holds the resolved settings of one profile name. All values have been checked against the
// rules of their settings.
type Profile struct {
	Name    string
	Defined bool         // whether the profile has a section in the config or the credentials file
	Unread  *SyntaxError // section whose header names the profile in a wrong way, if the profile has no other section; or nil
	Source  *Profile     // profile that source_profile names; nil if source_profile is not set or names this profile itself

	values    map[string]Value
	endpoints endpoints
	warnings  []Problem

	trustNotes []string // the notes that TrustNotes returns, without those of the source profiles
}

// Value returns the value of a setting and its origin, or the zero Value if the setting is not set. A
// setting that is set to an empty value has an origin and no text.
func (p *Profile) Value(setting string) Value { return p.values[setting] }

// Text returns the value of a setting, or "" if it is not set.
func (p *Profile) Text(setting string) string { return p.values[setting].Text }

// Set reports whether a setting is set and not empty.
func (p *Profile) Set(setting string) bool { return p.values[setting].Text != "" }

// Duration returns the value of a setting that is a duration, or 0 if it is not set.
func (p *Profile) Duration(setting string) time.Duration {
	d, _ := readDuration(p.Text(setting))
	return d
}

// Bool reports whether a setting is true. A setting that is not set is false.
func (p *Profile) Bool(setting string) bool { return strings.EqualFold(p.Text(setting), "true") }

// IsNo reports whether a setting is set to no or false. A setting that is not set is not no.
func (p *Profile) IsNo(setting string) bool {
	return isOneOf(strings.ToLower(p.Text(setting)), "no", "false")
}

// List returns the entries of a comma-separated setting. It removes empty entries, and blanks around entries.
func (p *Profile) List(setting string) []string { return splitList(p.Text(setting)) }

// Tags returns the KEY=VALUE pairs of a setting, sorted by key, or nil if the setting is not set.
func (p *Profile) Tags(setting string) []Tag {
	tags, _ := readTags(p.Text(setting))
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags
}

// Names returns the names of all settings that are set, sorted. This includes settings with an empty value.
func (p *Profile) Names() []string { return slices.Sorted(maps.Keys(p.values)) }

// Warnings returns the problems of the sections that the settings come from, such as a repeated
// key.
func (p *Profile) Warnings() []Problem { return slices.Clone(p.warnings) }

// Format prints only the name, because the values may be secret.
func (p Profile) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "Profile(%s)", p.Name)
}
