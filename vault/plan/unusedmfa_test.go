package plan

import "testing"

// A step that could send an MFA code, but whose profile sets no device, names the device of the nearest source profile.
func TestUnusedMFA(t *testing.T) {
	const (
		device = "mfa_serial = m111111111\n"
		keyed  = "[profile m]\n" + device
		role   = "[profile p]\nsource_profile = m\n" + arn
	)
	for _, tt := range []struct {
		name, config string
		want         UnusedMFA // in the last step of the plan
	}{
		{"only the source profile", keyed + role, UnusedMFA{"m111111111", "m"}},
		{"the nearest source profile", keyed + "[profile n]\nsource_profile = m\nmfa_serial = m222222222\n[profile p]\nsource_profile = n\n" + arn, UnusedMFA{"m222222222", "n"}},
		{"a profile without its device of [default]", "[default]\n" + device + "[profile m]\n" + role + "mfa_serial =\n", UnusedMFA{"m111111111", "m"}},
		{"both profiles", keyed + role + device, UnusedMFA{}},
		{"no device", "[profile m]\n" + role, UnusedMFA{}},
		{"a role's session cannot send a code", keyed + "[profile n]\nsource_profile = m\n" + arn + "[profile p]\nsource_profile = n\n" + arn, UnusedMFA{}},
	} {
		pl, err := Make(resolve(t, tt.config, "p", nil), stored("m"), Options{})
		if err != nil || pl.Last().UnusedMFA != tt.want {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, pl.Last().UnusedMFA, err, tt.want)
		}
	}
}
