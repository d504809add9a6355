package plan

import (
	"slices"
	"testing"
)

// Without a session token, a profile that only has a key gets the key itself. A note names the setting that has no effect.
func TestNoSessionNote(t *testing.T) {
	const device = "mfa_serial = m111111111\n"
	note := []string{"no MFA code is used, and the credentials are the long-lived key: with --no-session, mfa_serial (config:2) has no effect"}
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
