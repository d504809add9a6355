package profile

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"aws-vault/vault/printable"
)

// OriginKind is the kind of place in which a value is set.
type OriginKind int

// The kinds of places. This package never sets BuiltIn. Other packages set it for their default values.
const (
	Unset OriginKind = iota
	CommandLine
	Environment
	ConfigFile
	CredentialsFile
	BuiltIn
)

// Origin is the place in which a value is set.
type Origin struct {
	Kind    OriginKind
	Name    string // the flag, the variable, or the key in the file
	Path    string // the name of the file in messages
	Line    int    // line number, from 1; 0 if the origin is the whole file
	Section string // the header in the file, without brackets
}

// String returns the place for messages, such as --region, AWS_REGION or ~/.aws/config:12.
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

// InDefault reports whether the value is set in the [default] section, however its header is
// written. Some settings of [default] apply to all profiles.
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

// InSharedSection reports whether the value is set in a section that several profiles can name, such as
// [sso-session corp].
func (o Origin) InSharedSection() bool {
	kind, _ := readHeader(o.Section)
	return o.Kind == ConfigFile && kind != profileSection && kind != otherSection
}

// subject returns the start of a message about the setting, such as "~/.aws/config:12: region".
func (o Origin) subject(setting string) string {
	switch o.Kind {
	case CommandLine, Environment:
		return o.Name
	case ConfigFile, CredentialsFile:
		return o.String() + ": " + setting
	}
	return setting
}

// Value is the value of a setting and its origin. A secret value always prints as ****. Only Text
// contains the secret.
type Value struct {
	Text   string
	Origin Origin

	secret    bool
	inherited bool
}

// Inherited reports whether a profile has the value only from [default] or from a profile that
// [default] includes.
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

// Format prints the text, or **** for a secret, with any verb.
func (v Value) Format(s fmt.State, verb rune) {
	if verb == 'q' || s.Flag('#') {
		io.WriteString(s, printable.Quote(v.shown()))
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
