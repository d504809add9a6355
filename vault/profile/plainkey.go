package profile

import (
	"errors"
	"fmt"
	"slices"
)

// PlainKey is an access key that stands in a file as plain text. It prints as ****.
type PlainKey struct {
	Profile   string
	ID        Value
	Secret    Value
	Temporary bool // a session token stands beside it
}

// PlainKeys returns the keys that count, at most one a profile, in the order of the file.
// Sections that cannot be read have none.
func (f *File) PlainKeys() []PlainKey {
	var all []PlainKey
	for _, name := range f.Profiles() {
		if k, ok, err := f.PlainKey(name); err == nil && ok {
			all = append(all, k)
		}
	}
	return all
}

// PlainKey returns the key that a profile has in this file, and whether it has one: an id
// and a secret. It fails with a *SyntaxError for a section that cannot be read, and with a
// *ValueError for what cannot be a key.
func (f *File) PlainKey(name string) (PlainKey, bool, error) {
	b, err := f.body(profileSection, name)
	if err != nil {
		return PlainKey{}, false, err
	}
	k := PlainKey{Profile: name}
	k.ID, _ = b.value(settingNamed(accessKeyID))
	k.Secret, _ = b.value(settingNamed(secretAccessKey))
	token, _ := b.value(settingNamed(sessionToken))
	k.Temporary = token.Text != ""
	if k.ID.Text == "" || k.Secret.Text == "" {
		return PlainKey{}, false, nil
	}
	for name, v := range map[string]Value{accessKeyID: k.ID, secretAccessKey: k.Secret} {
		if err := settingNamed(name).check(v); err != nil {
			return PlainKey{}, false, err
		}
	}
	return k, true, nil
}

// ErrOtherKey says that a profile's key is no longer the one that was to be taken out.
var ErrOtherKey = errors.New("the key in the file is another one now")

// RepeatedKeyError reports that a profile has several keys in one file. If the one that counts
// were taken out, another one would count, or be lost.
type RepeatedKeyError struct {
	Origin  Origin // of a line that does not count
	Setting string
}

func (e *RepeatedKeyError) Error() string {
	return fmt.Sprintf("%s: profile %s has a second %s in this file, expected one",
		e.Origin, bare(e.Origin.Section), e.Setting)
}

// WithoutKey returns the text of the file without the lines of that key's id and secret,
// and with every other line as it is. It fails with [ErrOtherKey], a [*RepeatedKeyError],
// or the *SyntaxError of a section that cannot be read.
func WithoutKey(f *File, k PlainKey) ([]byte, error) {
	now, ok, err := f.PlainKey(k.Profile)
	if err != nil {
		return nil, err
	}
	if !ok || now.ID.Text != k.ID.Text || now.Secret.Text != k.Secret.Text {
		return nil, ErrOtherKey
	}
	lines, err := linesOf(f, k)
	if err != nil {
		return nil, err
	}
	e := edit{text: f.text}
	for _, line := range lines {
		e.cut(line)
	}
	text := e.result()
	if err := verifyWithout(f, k.Profile, text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// Single returns a [*RepeatedKeyError] if the profile of that key has another one in this file.
func (f *File) Single(k PlainKey) error {
	_, err := linesOf(f, k)
	return err
}

// linesOf returns the lines of a key that this file has.
func linesOf(f *File, k PlainKey) ([]key, error) {
	var lines []key
	for _, s := range f.named(profileSection, k.Profile) {
		keys, _ := f.keys(s) // PlainKey has read it without an error
		for _, line := range keys {
			want, isPart := map[string]string{accessKeyID: k.ID.Text, secretAccessKey: k.Secret.Text}[line.name]
			if !isPart {
				continue
			}
			if text, _ := cutComments(line.value); text != want {
				return nil, &RepeatedKeyError{f.origin(s, line.line, line.name), line.name}
			}
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// verifyWithout reads the new text: nothing but the key is read otherwise than before.
func verifyWithout(f *File, name, text string) error {
	bad := unread(name, "a profile that reads back without its key")
	again, err := parse(f.path, f.kind, []byte(text))
	if err != nil {
		return err
	}
	if len(again.sections) != len(f.sections) {
		return bad
	}
	for i := range f.sections {
		s, now := &f.sections[i], &again.sections[i]
		before, errs := f.keys(s)
		after, stillErrs := again.keys(now)
		before = slices.DeleteFunc(before, func(k key) bool {
			return s.kind == profileSection && s.name == name && (k.name == accessKeyID || k.name == secretAccessKey)
		})
		same := slices.EqualFunc(before, after, func(a, b key) bool { return a.name == b.name && a.value == b.value })
		if !same || len(errs) != len(stillErrs) || s.header != now.header {
			return bad
		}
	}
	return nil
}
