package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aws-vault/vault/profile"
)

// A chainCase is a case of AWS's tests for chains of profiles, which all SDKs share.
type chainCase struct {
	Docs  string
	Input struct {
		Profiles    map[string]map[string]string
		SSOSessions map[string]map[string]string `json:"sso_sessions"`
		Selected    string                       `json:"selected_profile"`
	}
	Output struct {
		Error        string
		ProfileChain []map[string]json.RawMessage
	}
}

// chainDisagreements lists the cases for which the plan differs, with the reason.
var chainDisagreements = map[string]string{
	"SSO token profile selected":                                         "a profile with sso_session but without account and role has no AWS credentials, only a bearer token; botocore finds no credentials either",
	"invalid SSO token configuration: sso_region must be in sso-session": "the profile is refused because it has no account; sso_region may be in the profile, as in botocore",
}

// chainErrors maps an error of the shared cases to the text at the end of the error of this package.
var chainErrors = map[string]string{
	"profile must contain `source_profile`":                              `profile "A" has no stored key and names no source of credentials`,
	"profile contained both source_profile and credential_source":        "config:2: profile A sets credential_source and source_profile, expected only one source of credentials",
	"profile missing aws_secret_access_key":                              "config:5: profile B sets aws_access_key_id without aws_secret_access_key, expected both",
	"profile missing aws_access_key_id":                                  "config:5: profile B sets aws_secret_access_key without aws_access_key_id, expected both",
	"profile `B` did not contain credential information":                 `config:3: source_profile is "B", but that profile has no stored key and names no source of credentials`,
	"profile `A` did not contain credential information":                 `profile "A" has no stored key and names no source of credentials`,
	"could not find source profile B referenced from A":                  `config:3: source_profile is "B", expected the name of a profile or of a stored key`,
	"profile formed an infinite loop":                                    "source_profile refers back to the same profile: A → B → A",
	"No profiles were defined":                                           `there is no profile "A", and no key is stored under that name`,
	"`role_arn` was missing":                                             "config:2: profile A sets web_identity_token_file without role_arn, expected both",
	"if `sso_role_name` is set, then `sso_account_id` must also be set":  "config:3: profile A sets sso_role_name without sso_account_id, expected both",
	"if `sso_account_id` is set, then `sso_role_name` must also be set":  "config:2: profile A sets sso_account_id without sso_role_name, expected both",
	"sso-session named `oops` (referenced by profile `A`) was not found": `config:2: sso_session is "oops", expected the name of an existing sso-session section`,
}

// realValues replaces account numbers, ARNs and key IDs that are not valid in AWS, because package profile refuses
// such values.
var realValues = strings.NewReplacer(":123456789:", ":123456789012:", `"0123"`, `"123456789012"`, `"arn:foo"`, `"arn:aws:iam::123456789012:role/foo"`, "!23", "123")

func TestSmithyChains(t *testing.T) {
	var cases []chainCase
	readCorpus(t, "assume-role-tests.json", &cases)
	if len(cases) < 28 {
		t.Fatalf("%d cases", len(cases))
	}
	checkDisagreements(t, cases, chainDisagreements, func(c chainCase) (name, got, want string) {
		got = c.plan(t)
		if c.Output.Error != "" {
			if want := chainErrors[c.Output.Error]; want != "" && strings.HasSuffix(got, want) {
				return c.Docs, got, got
			}
			return c.Docs, got, c.Output.Error
		}
		return c.Docs, got, c.want(t)
	})
}

func readCorpus(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "smithy", name))
	if err == nil {
		err = json.Unmarshal([]byte(realValues.Replace(string(raw))), into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// checkDisagreements fails the test for each case with an unexpected result. The cases in the list must not agree
// with the result, and all other cases must.
func checkDisagreements[C any](t *testing.T, cases []C, listed map[string]string, run func(C) (name, got, want string)) {
	t.Helper()
	unused := maps.Clone(listed)
	for _, c := range cases {
		name, got, want := run(c)
		reason, isListed := listed[name]
		delete(unused, name)
		switch {
		case got == want && isListed:
			t.Errorf("%s: agrees, but is listed as a disagreement: %s", name, reason)
		case got != want && !isListed:
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
	for name := range unused {
		t.Errorf("there is no case %q", name)
	}
}

// plan returns the steps of the case's plan as text, or the error.
func (c chainCase) plan(t *testing.T) string {
	var b strings.Builder
	write := func(word string, sections map[string]map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(sections)) {
			fmt.Fprintf(&b, "[%s %s]\n", word, name)
			for _, key := range slices.Sorted(maps.Keys(sections[name])) {
				fmt.Fprintf(&b, "%s = %s\n", key, sections[name][key])
			}
		}
	}
	write("profile", c.Input.Profiles)
	write("sso-session", c.Input.SSOSessions)
	f, err := profile.Parse("config", b.String())
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Resolve(c.Input.Selected, profile.Inputs{})
	if err != nil {
		return "error: " + err.Error()
	}
	pl, err := Make(p, Holdings{}, Options{NoSession: true})
	if err != nil {
		return "error: " + err.Error()
	}
	var out []string
	for _, s := range pl.Steps {
		switch spec := s.Spec.(type) {
		case StaticKey:
			out = append(out, "key "+spec.Fingerprint)
		case CredentialSource:
			out = append(out, "source "+spec.Source)
		case AssumeRole:
			out = append(out, fmt.Sprintf("role %s %q %q", spec.ARN, spec.SessionName, spec.ExternalID))
		case WebIdentity:
			out = append(out, fmt.Sprintf("web %s %s %q", spec.ARN, spec.TokenFile, spec.SessionName))
		case SSORole:
			out = append(out, fmt.Sprintf("sso %q %s %s %s %s", spec.Session, spec.StartURL, spec.Region, spec.Account, spec.Role))
		default:
			t.Fatalf("%s: a step %q", c.Docs, s.Kind)
		}
	}
	return strings.Join(out, ", ")
}

// want returns the expected steps in the form of the method plan.
func (c chainCase) want(t *testing.T) string {
	var out []string
	for _, step := range c.Output.ProfileChain {
		for kind, raw := range step {
			var name string
			var s map[string]string
			if json.Unmarshal(raw, &name) != nil && json.Unmarshal(raw, &s) != nil {
				t.Fatalf("%s: %s", c.Docs, raw)
			}
			switch kind {
			case "AccessKey":
				out = append(out, "key "+Fingerprint(s["access_key_id"], s["secret_access_key"], s["session_token"]))
			case "NamedSource":
				out = append(out, "source "+name)
			case "AssumeRole":
				out = append(out, fmt.Sprintf("role %s %q %q", s["role_arn"], s["role_session_name"], s["external_id"]))
			case "WebIdentityToken":
				out = append(out, fmt.Sprintf("web %s %s %q", s["role_arn"], s["web_identity_token_file"], s["role_session_name"]))
			case "Sso":
				out = append(out, fmt.Sprintf("sso %q %s %s %s %s", s["sso_session"], s["sso_start_url"], s["sso_region"], s["sso_account_id"], s["sso_role_name"]))
			default:
				t.Fatalf("%s: a step %s", c.Docs, kind)
			}
		}
	}
	return strings.Join(out, ", ")
}

// A metadataCase is one of AWS's cases for the address of EC2's metadata service.
type metadataCase struct {
	Docs             string
	Env, FS          map[string]string
	EndpointOverride string `json:"endpoint_override"`
	ModeOverride     string `json:"mode_override"`
	Result           struct{ Ok, Err string }
}

const noOverride = "an SDK's program can override the setting; aws-vault has no flag for it"

// metadataDisagreements lists the cases whose address differs, with the reason. The case "environment variable
// overrides endpoint mode override" is not in the list: the variable has priority over the mode there, so the
// address is the same.
var metadataDisagreements = map[string]string{"explicit endpoint override": noOverride, "explicit mode override": noOverride}

func TestSmithyMetadataEndpoints(t *testing.T) {
	var corpus struct{ Tests []metadataCase }
	readCorpus(t, "imds-endpoint-tests.json", &corpus)
	if len(corpus.Tests) < 14 {
		t.Fatalf("%d cases", len(corpus.Tests))
	}
	checkDisagreements(t, corpus.Tests, metadataDisagreements, func(c metadataCase) (name, got, want string) {
		f, err := profile.Parse("config", c.FS["config"])
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Resolve("default", profile.Inputs{Env: func(k string) (string, bool) { v, ok := c.Env[k]; return v, ok }})
		switch {
		case err != nil && c.Result.Err != "":
			return c.Docs, "", ""
		case err != nil:
			return c.Docs, err.Error(), c.Result.Ok
		}
		return c.Docs, metadataEndpoint(p) + "/latest/api/token", c.Result.Ok
	})
}
