package profile

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Setting is a setting to write and its value. An empty value is written as such.
type Setting struct{ Name, Value string }

// WithProfile returns the text of the file with these settings in the profile. A section that
// exists keeps its lines: the value that counts is replaced, comment and blanks around it stay,
// and a new key comes after the last one. Otherwise a section is added at the end.
//
// It fails with a *ValueError for a name or value that would not be read back as it is, and with
// the *SyntaxError of a section that cannot be read.
func (f *File) WithProfile(name string, settings []Setting) ([]byte, error) {
	if err := f.checkName(name); err != nil {
		return nil, err
	}
	settings = lastOfEach(settings)
	for _, s := range settings {
		if err := checkSetting(s); err != nil {
			return nil, err
		}
	}
	b, err := f.body(profileSection, name)
	if err != nil {
		return nil, err
	}
	var text string
	if b == nil {
		text = f.text + f.newSection(f.header(name), settings)
	} else {
		text = f.edited(b, name, settings)
	}
	if err := f.verify(name, settings, text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

func (f *File) checkName(name string) error {
	want := "a profile's name that can stand in a header"
	bad := name == "" || strings.ContainsAny(name, "]\x00") || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl)
	if f.kind == CredentialsFile {
		// Python's configparser takes a section of this name for the defaults of all others.
		bad = bad || name == "DEFAULT" || trim(name) != name
	}
	if bad {
		return &ValueError{Setting: "name", Found: shorten(name), Want: want}
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

// newSection returns what to add to the text. A blank line sets it apart from what is there.
func (f *File) newSection(header string, settings []Setting) string {
	eol := f.lineEnding()
	var b strings.Builder
	if body := strings.TrimPrefix(f.text, byteOrderMark); body != "" {
		if !strings.HasSuffix(body, "\n") && !strings.HasSuffix(body, "\r") {
			b.WriteString(eol)
		}
		b.WriteString(eol)
	}
	b.WriteString(header + eol)
	for _, s := range settings {
		b.WriteString(keyText(s) + eol)
	}
	return b.String()
}

// header is that of a profile.
func (f *File) header(name string) string {
	if f.kind == CredentialsFile {
		return "[" + name + "]"
	}
	return writeHeader(name)
}

func keyText(s Setting) string { return strings.TrimRight(s.Name+" = "+s.Value, " ") }

// lineEnding returns how the file ends its lines, by its first one.
func (f *File) lineEnding() string {
	i := strings.IndexAny(f.text, "\r\n")
	switch {
	case i < 0 || f.text[i] == '\n':
		return "\n"
	case strings.HasPrefix(f.text[i:], "\r\n"):
		return "\r\n"
	}
	return "\r"
}

// change replaces a stretch of the text.
type change struct {
	span
	text string
}

func (f *File) edited(b *body, name string, settings []Setting) string {
	var changes []change
	var added []Setting
	for _, s := range settings {
		if k, ok := b.keys[s.Name]; ok {
			changes = append(changes, f.replace(k.key, s)...)
			continue
		}
		added = append(added, s)
	}
	if len(added) > 0 {
		sections := f.named(profileSection, name)
		changes = append(changes, f.insert(sections[len(sections)-1], added))
	}
	return apply(f.text, changes)
}

// replace writes the new value over the old one, and drops the lines that went on with it. A
// comment that Resolve cuts off stays.
func (f *File) replace(k key, s Setting) []change {
	at, text := k.on, s.Value
	if i := commentAt(f.text[at.start:at.end]); i >= 0 && settingNamed(s.Name).cuts() {
		at.end = at.start + len(trimRight(f.text[at.start:at.start+i]))
		if i == 0 && text != "" {
			text += " "
		}
	}
	if at.start == at.end && text != "" && strings.ContainsAny(f.text[at.start-1:at.start], "=:") {
		text = " " + text
	}
	changes := []change{{at, text}}
	for p := range f.pieces(k) {
		changes = append(changes, change{p.whole, ""})
	}
	return changes
}

// insert adds keys after the last one of a section, as deep as that one.
func (f *File) insert(s *section, added []Setting) change {
	keys, _ := f.keys(s)
	at, indent := s.start, f.indentAfter(s)
	if len(keys) > 0 {
		last := keys[len(keys)-1]
		at = last.next
		line := f.text[last.begin:last.on.end]
		indent = line[:len(line)-len(trimLeft(line))]
	}
	eol := f.lineEnding()
	var b strings.Builder
	open := !strings.HasSuffix(f.text[:at], "\n") && !strings.HasSuffix(f.text[:at], "\r")
	if open {
		b.WriteString(eol)
	}
	for i, a := range added {
		b.WriteString(indent + keyText(a))
		if !open || i < len(added)-1 {
			b.WriteString(eol)
		}
	}
	return change{span{at, at}, b.String()}
}

// indentAfter returns the blanks before the next header: a first key that stood less deep than
// it would take that header for a part of its value.
func (f *File) indentAfter(s *section) string {
	next := f.text[s.end:]
	return next[:len(next)-len(trimLeft(next))]
}

func apply(text string, changes []change) string {
	slices.SortStableFunc(changes, func(a, b change) int { return a.start - b.start })
	var b strings.Builder
	done := 0
	for _, c := range changes {
		b.WriteString(text[done:c.start])
		b.WriteString(c.text)
		done = c.end
	}
	b.WriteString(text[done:])
	return b.String()
}

// verify reads the new text: no edit leaves this package that says something else than was asked.
func (f *File) verify(name string, settings []Setting, text string) error {
	unread := &ValueError{Setting: "name", Found: shorten(name), Want: "a profile that reads back as it was written"}
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
		return unread
	}
	for _, s := range settings {
		if v, ok := b.value(settingNamed(s.Name)); !ok || v.Text != s.Value {
			return unread
		}
	}
	return nil
}
