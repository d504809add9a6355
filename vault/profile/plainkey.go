package profile

import (
	"errors"
	"fmt"
)

// PlainKey is an access key that is in a file in plain text. Its values print as ****.
type PlainKey struct {
	Profile   string
	ID        Value
	Secret    Value
	Temporary bool // whether the profile also has a session token
}

// PlainKeys returns the access keys of all profiles in the order of the file. Profiles that cannot
// be read are skipped.
func (f *File) PlainKeys() []PlainKey {
	var all []PlainKey
	for _, name := range f.Profiles() {
		if k, ok, err := f.PlainKey(name); err == nil && ok {
			all = append(all, k)
		}
	}
	return all
}

// PlainKey returns the access key that a profile has in this file. It returns false if the ID or the secret is not
// set. It fails with a *SyntaxError if a section cannot be read, and with a *ValueError if a value cannot be part
// of an access key.
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

// ErrKeyChanged reports that the access key to remove is no longer in the file.
var ErrKeyChanged = errors.New("the access key in the file has changed")

// RepeatedKeyError reports that a profile has several access keys in one file. WithoutKey then removes none of them.
// If it removed only the access key in use, the profile would use another access key. If it removed all access keys,
// the other access keys would be lost.
type RepeatedKeyError struct {
	Origin  Origin // the place of an access key that is not in use
	Setting string
}

func (e *RepeatedKeyError) Error() string {
	return fmt.Sprintf("%s: profile %s has more than one %s in this file, expected one",
		e.Origin, quoteUnsafe(e.Origin.Section), e.Setting)
}

// WithoutKey returns the text of the file without the ID and the secret of the access key. All
// other lines stay the same. It fails with [ErrKeyChanged], a [*RepeatedKeyError], or a
// *SyntaxError if the section cannot be read.
func WithoutKey(f *File, k PlainKey) ([]byte, error) {
	now, ok, err := f.PlainKey(k.Profile)
	if err != nil {
		return nil, err
	}
	if !ok || now.ID.Text != k.ID.Text || now.Secret.Text != k.Secret.Text {
		return nil, ErrKeyChanged
	}
	lines, err := linesWithKey(f, k)
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

// CheckSingleKey returns a [*RepeatedKeyError] if the profile has another access key in this file.
func (f *File) CheckSingleKey(k PlainKey) error {
	_, err := linesWithKey(f, k)
	return err
}

// linesWithKey returns the lines with the ID and the secret of the access key.
func linesWithKey(f *File, k PlainKey) ([]key, error) {
	var lines []key
	for _, s := range f.named(profileSection, k.Profile) {
		keys, _ := f.keys(s) // there are no errors here, because PlainKey has already read this section
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

// verifyWithout parses the new text and checks that only the access key was removed.
func verifyWithout(f *File, name, text string) error {
	again, err := parse(f.path, f.kind, []byte(text))
	if err != nil {
		return err
	}
	if !sameOtherwise(f, again, 0, name, []string{accessKeyID, secretAccessKey}) {
		return roundTripError(name, "a profile without a key after the deletion")
	}
	if _, still, err := again.PlainKey(name); still || err != nil {
		return roundTripError(name, "a profile without a key after the deletion")
	}
	return nil
}
