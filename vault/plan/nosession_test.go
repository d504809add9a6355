package plan

import (
	"slices"
	"testing"
)

// allow_long_lived = no refuses a plan that ends with a long-lived key. It affects neither rotation nor plans that use
// the key only to create temporary credentials.
func TestAllowLongLived(t *testing.T) {
	const no, keyed = "allow_long_lived = no\n", "[profile m]\n"
	refusal := func(name, line, value string) string {
		return "config:" + line + `: the plan of profile "` + name + `" ends with a long-lived key (stored key), but allow_long_lived is "` + value + `"`
	}
	for _, tt := range []struct {
		name, config, profile string
		options               Options
		want                  string // the error; empty for none
	}{
		{"in the profile", keyed + no, "m", Options{NoSession: true}, refusal("m", "2", "no")},
		{"false", keyed + "allow_long_lived = False\n", "m", Options{NoSession: true}, refusal("m", "2", "False")},
		{"in [default]", "[default]\n" + no + keyed, "m", Options{NoSession: true}, refusal("m", "2", "no")},
		{"in an included profile", keyed + "include_profile = x\n[profile x]\n" + no, "m", Options{NoSession: true}, refusal("m", "4", "no")},
		{"in the source profile", keyed + no + "[profile p]\nsource_profile = m\nallow_long_lived = yes\n", "p", Options{NoSession: true}, refusal("p", "2", "no")},
		{"in the profile that names a source profile", keyed + "[profile p]\nsource_profile = m\n" + no, "p", Options{NoSession: true}, refusal("p", "4", "no")},
		{"yes instead of the value of [default]", "[default]\n" + no + keyed + "allow_long_lived = yes\n", "m", Options{NoSession: true}, ""},
		{"empty instead of the value of [default]", "[default]\n" + no + keyed + "allow_long_lived =\n", "m", Options{NoSession: true}, ""},
		{"not set", keyed, "m", Options{NoSession: true}, ""},
		{"a session token", keyed + no, "m", Options{}, ""},
		{"a role", keyed + no + arn, "m", Options{NoSession: true}, ""},
		{"a role after the profile's steps", keyed + no, "m", Options{NoSession: true, ExtraRoles: []string{"arn:aws:iam::123456789012:role/extra"}}, ""},
		{"a session policy", keyed + no, "m", Options{NoSession: true, Limits: []string{ReadOnly}}, ""},
		{"the console", keyed + no, "m", Options{NoSession: true, Purpose: Console}, ""},
		{"rotation", keyed + no, "m", Options{NoSession: true, Purpose: Rotate}, ""},
	} {
		_, err := Make(resolve(t, tt.config, tt.profile, nil), stored("m"), tt.options)
		if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Without a session token, a profile that only has a key gets the key itself. A note names the setting that has no
// effect.
func TestNoSessionNote(t *testing.T) {
	const device = "mfa_serial = m111111111\n"
	note := []string{"with --no-session, mfa_serial (config:2) has no effect: the credentials are the long-lived key, and no MFA code is used"}
	for _, tt := range []struct {
		name, config string
		options      Options
		want         []string
	}{
		{"a device", "[profile m]\n" + device, Options{NoSession: true}, note},
		{"no device", "[profile m]\n", Options{NoSession: true}, nil},
		{"with a session", "[profile m]\n" + device, Options{}, nil},
		{"a role that presents the code", "[profile m]\n" + device + arn, Options{NoSession: true}, nil},
		{"rotation", "[profile m]\n" + device, Options{NoSession: true, Purpose: Rotate}, nil},
	} {
		pl, err := Make(resolve(t, tt.config, "m", nil), stored("m"), tt.options)
		if err != nil || !slices.Equal(pl.Notes, tt.want) {
			t.Errorf("%s: %q, %v, want %q", tt.name, pl.Notes, err, tt.want)
		}
	}
}
