package profile

import (
	"slices"
	"strings"
	"testing"
)

func TestUnknown(t *testing.T) {
	f := config(t, `[profile a]
regoin = x
role_anr = y
mfa-serial = z
s3 =
  addressing_style = path
cli_pager =
retry_mode = standard
colour = blue
[sso-session s]
sso_start_ur = https://example.com
[services v]
regoin = not looked at
[profile b]
REGON = x
`)
	want := []struct {
		line int
		near string
	}{{2, "region"}, {3, "role_arn"}, {4, "mfa_serial"}, {11, "sso_start_url"}, {15, "region"}}
	got := f.Unknown()
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, u := range got {
		if u.Origin.Line != want[i].line || u.Near != want[i].near {
			t.Errorf("line %d is similar to %s, want line %d similar to %s", u.Origin.Line, u.Near, want[i].line, want[i].near)
		}
	}
}

// Unknown never returns a setting that aws-vault or the AWS CLI reads.
func TestKnownKeysAreNotReported(t *testing.T) {
	text := "[profile a]\n"
	for _, s := range settings {
		text += s.name + " = x\n"
	}
	if !slices.IsSorted(otherSettings) {
		t.Errorf("otherSettings is not sorted: %q", slices.Sorted(slices.Values(otherSettings)))
	}
	for _, name := range otherSettings {
		text += name + " = x\n"
	}
	if got := config(t, text).Unknown(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// Unknown returns at most maxProblems keys.
func TestUnknownStops(t *testing.T) {
	text := strings.Repeat("[profile a]\nregoin = x\n", maxProblems+1)
	if n := len(config(t, text).Unknown()); n != maxProblems {
		t.Errorf("%d typing errors, want %d", n, maxProblems)
	}
}
