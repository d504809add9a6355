package profile

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
)

// Setting is a setting to write and its value. An empty value is written as such.
type Setting struct{ Name, Value string }

// WithProfile returns the text of the file with these settings in the profile. A section that
// exists keeps its lines: the value that counts is replaced, comment and blanks around it stay,
// and a new key comes after the last one. Otherwise a section is added at the end.
//
// It fails with a *ValueError for a name or value that would not be read back as it is, and with
// the *SyntaxError of a section that cannot be read.
func WithProfile(f *File, name string, settings []Setting) ([]byte, error) {
	if err := checkName(f.kind, name); err != nil {
		return nil, err
	}
	settings = lastOfEach(settings)
	if err := checkSettings(settings); err != nil {
		return nil, err
	}
	b, err := f.body(profileSection, name)
	if err != nil {
		return nil, err
	}
	text := f.text
	if b == nil {
		text += newSection(f.text, profileHeader(f.kind, name), settings)
	} else {
		text = edited(f, b, name, settings)
	}
	if err := verify(f, name, settings, text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// edited is the text of the file with these settings in a profile that has the body.
func edited(f *File, b *body, name string, settings []Setting) string {
	e := edit{text: f.text}
	var added []Setting
	for _, s := range settings {
		if k, ok := b.keys[s.Name]; ok {
			e.set(k.key, s)
			continue
		}
		added = append(added, s)
	}
	if len(added) > 0 {
		sections := f.named(profileSection, name)
		last := sections[len(sections)-1]
		keys, _ := f.keys(last)
		e.insert(last, keys, added)
	}
	return e.result()
}

// WithIdentity returns the text of the file with a section for an identity added at its
// end. It fails with an *[ExistsError] if there is one of that name, and otherwise as
// [WithProfile] does.
func WithIdentity(f *File, name string, settings []Setting) ([]byte, error) {
	if err := checkName(f.kind, name); err != nil {
		return nil, err
	}
	if there := f.named(identitySection, name); len(there) > 0 {
		return nil, &ExistsError{Origin: f.origin(there[0], there[0].line, ""), Name: "identity " + name}
	}
	if err := checkSettings(settings); err != nil {
		return nil, err
	}
	text := f.text + newSection(f.text, headerOf("identity", name), settings)
	again, err := parse(f.path, f.kind, []byte(text))
	if err != nil {
		return nil, err
	}
	b, err := again.body(identitySection, name)
	if err != nil || b == nil || !slices.Equal(again.Profiles(), f.Profiles()) {
		return nil, unread(name, "an identity that reads back as it was written")
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

func checkName(kind OriginKind, name string) error {
	bad := name == "" || strings.ContainsAny(name, "]\x00") || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, unicode.IsControl)
	if kind == CredentialsFile {
		// Python's configparser takes a section of this name for the defaults of all others.
		bad = bad || name == "DEFAULT" || trim(name) != name
	}
	if bad {
		return &ValueError{Setting: "name", Found: shorten(name), Want: "a profile's name that can stand in a header"}
	}
	return nil
}

func profileHeader(kind OriginKind, name string) string {
	if kind == CredentialsFile {
		return "[" + name + "]"
	}
	return writeHeader(name)
}

func checkSettings(settings []Setting) error {
	for _, s := range settings {
		if err := checkSetting(s); err != nil {
			return err
		}
	}
	return nil
}

// checkSetting takes what Resolve would read back and accept.
func checkSetting(s Setting) error {
	refuse := func(setting, found, want string) error {
		return &ValueError{Setting: setting, Found: shorten(found), Want: want}
	}
	row := settingNamed(s.Name)
	if row == nil || row.noFile {
		return refuse("setting", s.Name, "one that is read from files")
	}
	found := s.Value
	if row.hidden() {
		found = ""
	}
	if strings.ContainsAny(s.Value, "\n\r\x00") || !utf8.ValidString(s.Value) || trim(s.Value) != s.Value {
		return refuse(s.Name, found, "one line of text without blanks around it")
	}
	if _, cut := cutComments(s.Value); cut && row.cuts() {
		return refuse(s.Name, found, `a value without " #" and " ;"`)
	}
	return row.check(Value{Text: s.Value})
}

// lastOfEach drops the settings that are given again later.
func lastOfEach(settings []Setting) []Setting {
	var kept []Setting
	for i, s := range settings {
		later := func(t Setting) bool { return t.Name == s.Name }
		if !slices.ContainsFunc(settings[i+1:], later) {
			kept = append(kept, s)
		}
	}
	return kept
}

// verify reads the new text: no edit leaves this package that says something else than was asked.
func verify(f *File, name string, settings []Setting, text string) error {
	bad := unread(name, "a profile that reads back as it was written")
	again, err := parse(f.path, f.kind, []byte(text))
	if err != nil {
		return err
	}
	names := f.Profiles()
	if !f.Has(name) {
		names = append(names, name)
	}
	b, err := again.body(profileSection, name)
	if err != nil || b == nil || !slices.Equal(again.Profiles(), names) {
		return bad
	}
	for _, s := range settings {
		if v, ok := b.value(settingNamed(s.Name)); !ok || v.Text != s.Value {
			return bad
		}
	}
	return nil
}

// unread is the error for a section that would not be read back as it was meant.
func unread(name, want string) error {
	return &ValueError{Setting: "name", Found: shorten(name), Want: want}
}

// Changes returns the lines that a new text of the file takes away, after "-", and those that it
// adds, after "+". Those that stay are left out, for there may be keys among them.
func Changes(f *File, text []byte) string {
	all := diff.Diff(f.path, []byte(f.text), f.path, text)
	var b strings.Builder
	for i, line := range bytes.SplitAfter(all, []byte("\n")) {
		const heading = 3 // the command and the two files' names
		if i >= heading && len(line) > 0 && (line[0] == '+' || line[0] == '-') {
			b.Write(line)
		}
	}
	return b.String()
}
