package profile

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// OriginKind says what kind of place a value came from.
type OriginKind int

// The places a value can come from. BuiltIn is for the defaults of those who build on this
// package; it has none itself.
const (
	Unset OriginKind = iota
	CommandLine
	Environment
	ConfigFile
	CredentialsFile
	BuiltIn
)

// Origin is the place a value came from.
type Origin struct {
	Kind    OriginKind
	Name    string // the flag, the variable, or the key in the file
	Path    string // of the file, as messages name it
	Line    int    // in the file, from 1; 0 for the file as a whole
	Section string // the header in the file, without brackets
}

// String names the place: --region, AWS_REGION, ~/.aws/config:12.
func (o Origin) String() string {
	switch o.Kind {
	case CommandLine, Environment:
		return o.Name
	case ConfigFile, CredentialsFile:
		if o.Line == 0 {
			return o.Path
		}
		return o.Path + ":" + strconv.Itoa(o.Line)
	case BuiltIn:
		return "built-in"
	}
	return "unset"
}

// InDefault reports whether the place is in the section of [default], which sets some values for
// all profiles, however its header is written.
func (o Origin) InDefault() bool {
	switch o.Kind {
	case ConfigFile:
		kind, name := readHeader(o.Section)
		return kind == profileSection && name == defaultName
	case CredentialsFile:
		return o.Section == defaultName
	}
	return false
}

// subject begins a message about the setting as the user wrote it.
func (o Origin) subject(setting string) string {
	switch o.Kind {
	case CommandLine, Environment:
		return o.Name
	case ConfigFile, CredentialsFile:
		return o.String() + ": " + setting
	}
	return setting
}

// Value is the text of a setting and where it came from. A secret one prints as ****, however
// it is printed; its Text is the secret.
type Value struct {
	Text   string
	Origin Origin

	secret    bool
	inherited bool
}

// Inherited reports whether a profile has the value from [default] alone, or from what [default]
// includes, and not from its own section or one that it includes.
func (v Value) Inherited() bool { return v.inherited }

const mask = "****"

func (v Value) shown() string {
	if v.secret && v.Text != "" {
		return mask
	}
	return v.Text
}

// String returns the text, or **** for a secret.
func (v Value) String() string { return v.shown() }

// Format prints the text, or **** for a secret, whatever the verb.
func (v Value) Format(s fmt.State, verb rune) {
	if verb == 'q' || s.Flag('#') {
		io.WriteString(s, strconv.Quote(v.shown()))
		return
	}
	io.WriteString(s, v.shown())
}

// MarshalJSON writes Text and Origin, with **** for a secret.
func (v Value) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Text   string
		Origin Origin
	}{v.shown(), v.Origin})
}
