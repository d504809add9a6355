package profile

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
)

// A smithyCase is a case of AWS's tests for parsers of config files, which all SDKs share.
type smithyCase struct {
	Name  string
	Input struct{ ConfigFile, CredentialsFile string }

	Output struct {
		Config *struct {
			Profiles    map[string]map[string]string
			SSOSessions map[string]map[string]string `json:"sso_sessions"`
		}
		ErrorContaining string
	}
}

// smithyDisagreements lists the cases that this package reads differently, with the reason. Where the SDKs and botocore
// disagree, this package reads what botocore reads.
var smithyDisagreements = map[string]string{
	"Profile names support alphanumeric characters and - / . % @ _ : +": anyNames,
	"Invalid property names are ignored.":                               anyNames,
	"Property definitions must contain an equals sign.":                 "botocore accepts a colon between a key and its value",

	"Continuation values include pound comments.":     commentCut,
	"Continuation values include semicolon comments.": commentCut,

	"Default profile with profile prefix overrides default profile without prefix when profile prefix is first.": defaultsMerge,
	"Default profile with profile prefix overrides default profile without prefix when profile prefix is last.":  defaultsMerge,
	"Default profiles with mixed prefixes in the config file ignore the one without prefix when merging.":        defaultsMerge,
	"Default profiles with mixed prefixes merge with credentials":                                                defaultsMerge,

	"Invalid profile names are ignored.":                credentialsHeader,
	"Credentials profiles with prefix are ignored.":     credentialsHeader,
	"profile name with extra whitespace in credentials": credentialsHeader,
	"profile name with extra whitespace":                "botocore does not read this header as a profile; Resolve refuses the profile that it probably names",

	"Invalid sub-property definitions cause an error.":     blockUnchecked,
	"Sub-property definitions cannot have an empty name.":  blockUnchecked,
	"Sub-properties can have blank lines that are ignored": "botocore keeps a blank line in a value, but ignores it when it reads the settings of a block",
}

const (
	anyNames          = "botocore accepts all characters in the names of profiles and settings"
	commentCut        = "this test removes comments from all lines of a value, as Resolve does for settings that are not free text"
	defaultsMerge     = "botocore uses only the section that comes last; this package merges [default] and [profile default], so that no setting is lost"
	credentialsHeader = "in the credentials file, botocore reads the whole header as the name of a profile"
	blockUnchecked    = "only the AWS CLI reads this block of settings, and this package does not check it"
)

func TestSmithyParserCases(t *testing.T) {
	raw, err := os.ReadFile("testdata/smithy/profile-parser-tests.json")
	if err != nil {
		t.Fatal(err)
	}
	var corpus struct{ Tests []smithyCase }
	if err := json.Unmarshal(raw, &corpus); err != nil || len(corpus.Tests) < 60 {
		t.Fatalf("%d cases, error %v", len(corpus.Tests), err)
	}
	used := map[string]bool{}
	for _, c := range corpus.Tests {
		got, agrees := c.check(t)
		reason, listed := smithyDisagreements[c.Name]
		used[c.Name] = listed
		switch {
		case agrees && listed:
			t.Errorf("%s: agrees, but is listed as a disagreement: %s", c.Name, reason)
		case !agrees && !listed:
			t.Errorf("%s: %q, credentials %q\nread as %v\nwant    %v", c.Name, c.Input.ConfigFile, c.Input.CredentialsFile, got, c.Output)
		}
	}
	for name := range smithyDisagreements {
		if !used[name] {
			t.Errorf("there is no case %q", name)
		}
	}
}

// check reads the files of a case. It returns what was read, and whether it agrees with the case.
func (c smithyCase) check(t *testing.T) (got map[string]map[string]string, agrees bool) {
	f, creds := config(t, c.Input.ConfigFile), credentials(t, c.Input.CredentialsFile)
	if c.Output.Config == nil {
		return nil, len(f.Broken())+len(creds.Broken()) > 0
	}
	got = sectionValues(f, profileSection)
	for name, values := range sectionValues(creds, profileSection) {
		if got[name] == nil {
			got[name] = values
		}
		maps.Copy(got[name], values)
	}
	return got, sameValues(got, c.Output.Config.Profiles) && sameValues(sectionValues(f, sessionSection), c.Output.Config.SSOSessions)
}

// sectionValues returns the settings of all sections of a kind, by name. It removes comments after values, as Resolve
// does for most settings.
func sectionValues(f *File, kind sectionKind) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, name := range f.names(kind) {
		values := map[string]string{}
		if b, err := f.body(kind, name); err != nil {
			values["error"] = err.Error()
		} else {
			for key, k := range b.keys {
				values[key], _ = cutComments(k.value)
			}
		}
		all[name] = values
	}
	return all
}

func sameValues(a, b map[string]map[string]string) bool {
	return maps.EqualFunc(a, b, func(a, b map[string]string) bool { return maps.Equal(a, b) })
}
