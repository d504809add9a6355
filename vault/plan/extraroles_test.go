package plan

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

const asked = "arn:aws:iam::210987654321:role/asked"

func TestExtraRoles(t *testing.T) {
	const readOnly = "session_policy_arns = arn:aws:iam::aws:policy/ReadOnlyAccess\n"
	role := "[profile p]\nsource_profile = m\n" + arn
	for _, tt := range []struct {
		name, config string
		stored       string
		options      Options
		lasts        time.Duration
		session      string
		policies     int
	}{
		{"on a session", "[profile p]\n", "p", Options{}, time.Hour, "aws-vault-alice", 0},
		{"on a session, for longer", "[profile p]\n", "p", Options{Duration: 2 * time.Hour}, time.Hour, "aws-vault-alice", 0},
		{"on the key itself, for longer", "[profile p]\n", "p", Options{Duration: 2 * time.Hour, NoSession: true}, 2 * time.Hour, "aws-vault-alice", 0},
		{"on a role", role, "m", Options{}, time.Hour, "aws-vault-alice", 0},
		{"for less", role, "m", Options{Duration: 15 * time.Minute}, 15 * time.Minute, "aws-vault-alice", 0},
		{"the profile's own role duration does not apply to the next role", role + "duration_seconds = 900\n", "m", Options{}, time.Hour, "aws-vault-alice", 0},
		{"named by the profile", role + "role_session_name = bob\n", "m", Options{}, time.Hour, "bob", 0},
		{"named by the user", "[profile p]\nrole_session_name = ${aws:username}\n", "p", Options{}, time.Hour, UserName, 0},
		{"the user name for the session name is not known", role + "role_session_name = ${aws:username}\n", "m", Options{}, time.Hour, "aws-vault-alice", 0},
		{"limited as the profile is", role + readOnly, "m", Options{}, time.Hour, "aws-vault-alice", 1},
		{"what was the first role's", role + "external_id = x1\nsession_tags = a=b\nsource_identity = alice\n", "m", Options{}, time.Hour, "aws-vault-alice", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Purpose, tt.options.SessionName, tt.options.ExtraRoles = Serve, "aws-vault-alice", []string{asked}
			pl, err := Make(resolve(t, tt.config, "p", nil), stored(tt.stored), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			last := pl.Last()
			want := AssumeRole{ARN: asked, SessionName: tt.session}
			if !reflect.DeepEqual(last.Spec, want) || last.Duration != tt.lasts || len(last.Policy.ARNs) != tt.policies || last.Cacheable {
				t.Errorf("planned %+v, duration %v, %d policies, cacheable: %v\nwant    %+v, duration %v, %d policies, not cacheable",
					last.Spec, last.Duration, len(last.Policy.ARNs), last.Cacheable, want, tt.lasts, tt.policies)
			}
		})
	}
}

func TestExplainExtraRoles(t *testing.T) {
	o := Options{Purpose: Serve, SessionName: "aws-vault-alice", Duration: 2 * time.Hour, ExtraRoles: []string{asked}}
	pl, err := Make(resolve(t, "[profile m]\n", "m", nil), stored("m"), o)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := pl.Explain(&text, func(int) string { return "" }); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/extraroles.golden", text.Bytes())
}

// The steps before an extra role are the profile's own steps. All extra roles therefore share one
// session and one MFA code.
func TestExtraRolesShareEarlierSteps(t *testing.T) {
	seed, made := rand.Uint64(), 0
	r := rand.New(rand.NewPCG(seed, 2))
	for range 2000 {
		config, target, h, o := randomConfig(r)
		p := resolve(t, config, target, nil)
		alone, err := Make(p, h, o)
		if err != nil {
			continue
		}
		made++
		o.ExtraRoles = []string{asked, asked + "2"}
		pl, err := Make(p, h, o)
		if errors.As(err, new(*RegionError)) {
			continue // the profile's region belongs to another partition than these roles
		}
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, config)
		}
		n := len(alone.Steps)
		if len(pl.Steps) != n+2 || !reflect.DeepEqual(pl.Steps[:n], alone.Steps) {
			t.Fatalf("seed %d: steps %v\nwant     %v and two roles\n%s", seed, steps(pl), steps(alone), config)
		}
		if err := violation(pl); err != "" {
			t.Fatalf("seed %d: %s\n%s\n%v", seed, err, config, steps(pl))
		}
	}
	if made == 0 {
		t.Error("no plan could be made for any chain")
	}
}

func TestServeRefusals(t *testing.T) {
	var long *LongLivedError
	_, err := Make(resolve(t, "[profile m]\n", "m", nil), stored("m"), Options{Purpose: Serve, NoSession: true})
	if !errors.As(err, &long) || long.Profile != "m" || long.Kind != KindStoredKey {
		t.Errorf("error %v, want one for a long-lived key", err)
	}
	for _, arn := range []string{"", "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:role/", "role/x", asked + "\n", asked + strings.Repeat("x", 3000)} {
		_, err := Make(resolve(t, "[profile m]\n", "m", nil), stored("m"), Options{ExtraRoles: []string{arn}})
		var refused *RoleARNError
		if !errors.As(err, &refused) || refused.Found != arn || len(err.Error()) > 900 || strings.Contains(err.Error(), "\n") {
			t.Errorf("role %.40q: error %v", arn, err)
		}
	}
}
