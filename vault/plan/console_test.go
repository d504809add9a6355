package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestConsole(t *testing.T) {
	const device = "mfa_serial = m111111111\n"
	role := "[profile q]\n" + device + "[profile p]\nsource_profile = q\n" + device + arn
	for _, tt := range []struct {
		name, config, stored string
		asked                time.Duration
		want                 []string
		lasts                time.Duration // the requested duration of the console session
		note                 string
	}{
		{"role from a key", "[profile q]\n[profile p]\nsource_profile = q\n" + arn, "q", 12 * time.Hour,
			[]string{"stored key q", "assume role p 1h kept"}, 12 * time.Hour, ""},
		{"without a duration", "[profile q]\n[profile p]\nsource_profile = q\n" + arn, "q", 0,
			[]string{"stored key q", "assume role p 1h kept"}, 0, ""},
		{"role on a session", role, "q", 0,
			[]string{"stored key q", "session token q 8h +m111111111 kept", "assume role p 1h kept"}, 0, ""},
		{"role on a session, for half an hour", role, "q", 30 * time.Minute,
			[]string{"stored key q", "session token q 8h +m111111111 kept", "assume role p 1h kept"}, 0, "not 30m"},
		{"role with a code of its own, for long", role, "q", 8 * time.Hour,
			[]string{"stored key q", "assume role p 1h +m111111111 kept"}, 8 * time.Hour, ""},
		{"chained role", "[profile r]\n[profile q]\nsource_profile = r\n" + arn + "[profile p]\nsource_profile = q\n" + arn, "r", 8 * time.Hour,
			[]string{"stored key r", "assume role q 1h kept", "assume role p 1h kept"}, 0, "not 8h"},
		{"SSO", "[profile p]\n" + sso, "", 8 * time.Hour, []string{"SSO role p kept"}, 0, "not 8h"},
		{"web identity", "[profile p]\nweb_identity_token_file = /t\n" + arn, "", 8 * time.Hour, []string{"web identity p 1h kept"}, 8 * time.Hour, ""},
		{"a user's key", "[profile p]\n" + device, "p", 0, []string{"stored key p", "federation token p 1h kept"}, 0, ""},
		{"a user's key, for long", "[profile p]\n", "p", 36 * time.Hour, []string{"stored key p", "federation token p 36h kept"}, 0, ""},
		{"a process", "[profile p]\ncredential_process = c\n", "", 0, []string{"credential process p kept"}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pl, err := Make(resolve(t, tt.config, "p", nil), stored(tt.stored), Options{Purpose: Console, Duration: tt.asked})
			if err != nil {
				t.Fatal(err)
			}
			if got := steps(pl); !slices.Equal(got, tt.want) {
				t.Errorf("steps are %q, want %q", got, tt.want)
			}
			if got := pl.Call("signin").Duration; got != tt.lasts {
				t.Errorf("the duration of the console session is %s, want %s", got, tt.lasts)
			}
			if notes := strings.Join(pl.Notes, "\n"); tt.note == "" && notes != "" || !strings.Contains(notes, tt.note) {
				t.Errorf("notes are %q, want %q", notes, tt.note)
			}
		})
	}
}

// The session policy and the duration of a federated user come from the profile if it sets them.
func TestFederationSettings(t *testing.T) {
	const config = "[profile p]\nsession_policy = {\"Statement\":[]}\n"
	p := resolve(t, config, "p", map[string]string{"AWS_FEDERATION_TOKEN_TTL": "2h"})
	pl, err := Make(p, stored("p"), Options{Purpose: Console, FederatedName: "alice-at-work"})
	if err != nil {
		t.Fatal(err)
	}
	s := pl.Last()
	if s.Policy.Inline != `{"Statement":[]}` || s.Duration != 2*time.Hour || s.Spec != (FederationToken{Name: "alice-at-work"}) {
		t.Errorf("step is %+v", s)
	}
}

func TestConsoleDurations(t *testing.T) {
	for _, config := range []string{"[profile q]\n[profile p]\nsource_profile = q\n" + arn, "[profile q]\n[profile p]\nsource_profile = q\n"} {
		for _, d := range []time.Duration{time.Minute, 37 * time.Hour} {
			_, err := Make(resolve(t, config, "p", nil), stored("q"), Options{Purpose: Console, Duration: d})
			var e *DurationError
			if !errors.As(err, &e) || e.Found != d {
				t.Errorf("%s: got %v", d, err)
			}
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	p := resolve(t, "[default]\nregion = eu-west-1\n"+arn, "default", nil)
	o := Options{Purpose: Console, Duration: time.Hour}
	if _, err := FromEnvironment(p, Holdings{}, o); !errors.Is(err, ErrNoEnvironmentKey) {
		t.Errorf("got %v", err)
	}
	pl, err := FromEnvironment(p, Holdings{Environment: &EnvironmentKey{Fingerprint: "f"}}, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := steps(pl); !slices.Equal(got, []string{"environment ", "federation token  1h kept"}) || pl.Region != "eu-west-1" {
		t.Errorf("steps are %q, region %q", got, pl.Region)
	}
	pl, err = FromEnvironment(p, Holdings{Environment: &EnvironmentKey{Fingerprint: "f", Temporary: true}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := steps(pl); !slices.Equal(got, []string{"environment "}) || pl.Last().Yields != (Yield{UnknownPrincipal, Yes}) {
		t.Errorf("steps are %q, yield %v", got, pl.Last().Yields)
	}
}
