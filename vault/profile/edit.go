package profile

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
)

// Setting is a setting to write to a file. If Value is empty, the key is written without a value.
type Setting struct{ Name, Value string }

// WithProfile returns the text of the file with the settings written to the profile. If the profile has a section,
// WithProfile replaces existing values and adds new keys after the last key. Comments and all other lines stay the
// same. If the profile has no section, WithProfile adds a section at the end.
//
// It fails with a *ValueError if a name or value would not be read back unchanged, and with a
// *SyntaxError if the section cannot be read.
func WithProfile(f *File, name string, settings []Setting) ([]byte, error) {
	if err := checkName(f.kind, name); err != nil {
		return nil, err
	}
	settings = dropRepeated(settings)
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

// edited returns the text of the file with the settings written to an existing profile.
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

// WithIdentity returns the text of the file with a new identity section at the end. It fails with an
// *[ExistsError] if an identity section with that name exists, and with the errors of [WithProfile].
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
	if err != nil || b == nil || !sameOtherwise(f, again, 1, "", nil) {
		return nil, roundTripError(name, "the same identity when the file is read back")
	}
	return []byte(text), nil
}

// ExistsError reports a section that already exists.
type ExistsError struct {
	Origin Origin
	Name   string
}

func (e *ExistsError) Error() string {
	return e.Origin.String() + ": a section for " + e.Name + " already exists"
}

func checkName(kind OriginKind, name string) error {
	bad := name == "" || strings.ContainsAny(name, "]\x00") || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, unicode.IsControl)
	if kind == CredentialsFile {
		// Python's configparser uses the section DEFAULT as the defaults of all other sections.
		bad = bad || name == "DEFAULT" || trim(name) != name
	}
	if bad {
		return &ValueError{Setting: "name", Found: shorten(name), Want: "a profile name without control characters or ]"}
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

// checkSetting returns an error if Resolve would refuse the written value or read a different value.
func checkSetting(s Setting) error {
	refuse := func(setting, found, want string) error {
		return &ValueError{Setting: setting, Found: shorten(found), Want: want}
	}
	row := settingNamed(s.Name)
	if row == nil || row.noFile {
		return refuse("setting", s.Name, "a setting that can be in the config file")
	}
	found := s.Value
	if row.isSecret() {
		found = ""
	}
	if strings.ContainsAny(s.Value, "\n\r\x00") || !utf8.ValidString(s.Value) || trim(s.Value) != s.Value {
		return refuse(s.Name, found, "one line of text without blanks around it")
	}
	if _, cut := cutComments(s.Value); cut && row.allowsComments() {
		return refuse(s.Name, found, `a value without " #" or " ;"`)
	}
	return row.check(Value{Text: s.Value})
}

// dropRepeated removes a setting if the same setting follows later in the list.
func dropRepeated(settings []Setting) []Setting {
	var kept []Setting
	for i, s := range settings {
		later := func(t Setting) bool { return t.Name == s.Name }
		if !slices.ContainsFunc(settings[i+1:], later) {
			kept = append(kept, s)
		}
	}
	return kept
}

// verify parses the new text. It checks that the edited profile has the requested settings, and that nothing else has
// changed.
func verify(f *File, name string, settings []Setting, text string) error {
	bad := roundTripError(name, "the same profile when the file is read back")
	again, err := parse(f.path, f.kind, []byte(text))
	if err != nil {
		return err
	}
	added := 1
	if f.Has(name) {
		added = 0
	}
	var keys []string
	for _, s := range settings {
		keys = append(keys, s.Name)
	}
	b, err := again.body(profileSection, name)
	if err != nil || b == nil || !sameOtherwise(f, again, added, name, keys) {
		return bad
	}
	for _, s := range settings {
		if v, ok := b.value(settingNamed(s.Name)); !ok || v.Text != s.Value {
			return bad
		}
	}
	return nil
}

// sameOtherwise reports whether the edited file has the same sections as the file f, with the same keys and values.
// It does not compare the given keys of the named profile, nor the number of sections that were added at the end.
func sameOtherwise(f, edited *File, added int, name string, except []string) bool {
	if len(edited.sections) != max(len(f.sections), 1)+added { // the zero File has no sections
		return false
	}
	for i := range f.sections {
		s := &f.sections[i]
		excepted := func(k key) bool {
			return s.kind == profileSection && s.name == name && slices.Contains(except, k.name)
		}
		if !sameSection(f, s, edited, &edited.sections[i], excepted) {
			return false
		}
	}
	return true
}

// sameSection reports whether a section of a file and a section of an edited file have the same header, and the same
// keys and values. It skips the keys for which the function except returns true.
func sameSection(f *File, s *section, edited *File, now *section, except func(key) bool) bool {
	before, errs := f.keys(s)
	after, stillErrs := edited.keys(now)
	before, after = slices.DeleteFunc(before, except), slices.DeleteFunc(after, except)
	return s.header == now.header && len(errs) == len(stillErrs) &&
		slices.EqualFunc(before, after, func(a, b key) bool { return a.name == b.name && a.value == b.value })
}

// roundTripError returns the error for a section that would have a different meaning when it is read back.
func roundTripError(name, want string) error {
	return &ValueError{Setting: "name", Found: shorten(name), Want: want}
}

// Changes returns the lines that differ between the file and its new text. Removed lines begin with
// "-" and added lines with "+". Unchanged lines are left out, because they may contain access keys.
func Changes(f *File, text []byte) string {
	all := diff.Diff(f.path, []byte(f.text), f.path, text)
	var b strings.Builder
	for i, line := range bytes.SplitAfter(all, []byte("\n")) {
		const heading = 3 // the number of lines at the start of the diff: the command and two file names
		if i >= heading && len(line) > 0 && (line[0] == '+' || line[0] == '-') {
			b.Write(line)
		}
	}
	return b.String()
}
