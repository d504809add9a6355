package plan

import "testing"

func TestTouch(t *testing.T) {
	const config = `[profile m]
mfa_serial = arn:aws:iam::123456789012:mfa/alice
[profile hub]
source_profile = m
role_arn = arn:aws:iam::123456789012:role/hub
require_touch = true
[profile prod]
source_profile = hub
role_arn = arn:aws:iam::123456789012:role/prod
[profile dev]
source_profile = m
role_arn = arn:aws:iam::123456789012:role/dev
`
	for name, want := range map[string]string{"m": "--", "hub": "-t", "prod": "-tt", "dev": "--"} {
		p := resolve(t, config, name, nil)
		pl, err := Make(p, Holdings{Keys: map[string]string{"m": "f"}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, s := range pl.Steps {
			if s.Touch {
				got += "t"
			} else {
				got += "-"
			}
		}
		if got != want {
			t.Errorf("%s: the steps are %s, want %s: credentials from a protected step are protected too", name, got, want)
		}
	}
}
