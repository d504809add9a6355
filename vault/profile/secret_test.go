package profile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const canary = "wJalrXUtnFEMIcanaryEXAMPLEKEY"

func TestSecretsDoNotPrint(t *testing.T) {
	f := config(t, "[profile p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = "+canary+"\naws_session_token = "+canary+"\nregion = eu-west-1\n")
	p := resolve(t, f, "p", Inputs{})
	secret := p.Value("aws_secret_access_key")
	if secret.Text != canary || p.Text("aws_session_token") != canary {
		t.Fatal("the secret is not there at all")
	}
	type holder struct{ V Value }
	for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q", "%d", "%x"} {
		for _, it := range []any{secret, &secret, holder{secret}, []Value{secret}, p.Value("aws_session_token"), p, *p, []*Profile{p}, f, *f} {
			if got := fmt.Sprintf(verb, it); strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T shows the secret: %s", verb, it, got)
			}
		}
	}
	for verb, want := range map[string]string{"%v": "****", "%s": "****", "%+v": "****", "%#v": `"****"`, "%q": `"****"`} {
		if got := fmt.Sprintf(verb, secret); got != want {
			t.Errorf("%s is %s, want %s", verb, got, want)
		}
	}
	if raw, err := json.Marshal(secret); err != nil || strings.Contains(string(raw), canary) {
		t.Errorf("%s, error %v", raw, err)
	}
	if secret.String() != "****" || fmt.Sprint(p.Value("region")) != "eu-west-1" || fmt.Sprint(p) != "Profile(p)" || fmt.Sprint(f) != "File(config)" {
		t.Errorf("%s %v %v %v", secret.String(), p.Value("region"), p, f)
	}
	if got := fmt.Sprint((*Profile)(nil)); got != "<nil>" {
		t.Errorf("no profile prints as %s", got)
	}
}

func TestSecretsAreNotInErrors(t *testing.T) {
	for name, lines := range map[string]string{
		"secret":        "aws_secret_access_key = " + canary + " x",
		"token":         "aws_session_token = " + canary + "\n  " + canary,
		"id":            "aws_access_key_id = " + canary + "!",
		"policy":        "session_policy = " + canary + "\x07",
		"no separator":  "aws_secret_access_key " + canary,
		"no key":        "= " + canary,
		"NUL":           "aws_secret_access_key = " + canary + "\x00",
		"too deep":      "region = eu-west-1\n  aws_secret_access_key = " + canary,
		"below a block": "region =\n  aws_secret_access_key = " + canary,
		"include":       "include_profile = x\n  aws_secret_access_key = " + canary,
	} {
		f := config(t, "[profile p]\n"+lines+"\n")
		if got := fails(t, f, "p", Inputs{}); strings.Contains(got, canary) {
			t.Errorf("%s: %s", name, got)
		}
		for _, p := range f.Problems() {
			if strings.Contains(p.String(), canary) {
				t.Errorf("%s: %s", name, p)
			}
		}
	}
	_, err := WithProfile(config(t, ""), "p", []Setting{{"aws_secret_access_key", canary + " x"}})
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("%v", err)
	}
}

func TestMessagesAreShort(t *testing.T) {
	long := strings.Repeat("ä", 1<<16)
	f := config(t, "[profile "+long+"]\n[profile "+long+"]\nregion = "+long+"\n[profile a]\ninclude_profile = "+long+long+"\n[profile b]\nregion = \x1b[2J\n"+long+"=1\n"+long+"=1\n[profile \x1b[2J]\nsource_profile = \x1b[2J\n")
	for _, name := range []string{long, "a", "b"} {
		if got := fails(t, f, name, Inputs{}); len(got) > 300 || strings.Contains(got, "\x1b") {
			t.Errorf("%d bytes: %.200q", len(got), got)
		}
	}
	for _, p := range f.Problems() {
		if got := p.String(); len(got) > 300 || strings.Contains(got, "\x1b") {
			t.Errorf("%d bytes: %.200q", len(got), got)
		}
	}
	loop := &LoopError{Setting: "source_profile", Names: []string{"\x1b[2J", "b", "\x1b[2J"}}
	if got, want := loop.Error(), `source_profile refers back to the same profile: "\u001b[2J" → b → "\u001b[2J"`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestOrigins(t *testing.T) {
	for want, o := range map[string]Origin{
		"unset":            {},
		"--region":         {Kind: CommandLine, Name: "--region"},
		"AWS_REGION":       {Kind: Environment, Name: "AWS_REGION"},
		"~/.aws/config:12": {Kind: ConfigFile, Name: "region", Path: "~/.aws/config", Line: 12},
		"~/.aws/config":    {Kind: ConfigFile, Path: "~/.aws/config"},
		"credentials:3":    {Kind: CredentialsFile, Path: "credentials", Line: 3},
		"built-in":         {Kind: BuiltIn},
	} {
		if got := o.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
