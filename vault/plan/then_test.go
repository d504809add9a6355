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

func TestThen(t *testing.T) {
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
		{"the role's own time is not the next one's", role + "duration_seconds = 900\n", "m", Options{}, time.Hour, "aws-vault-alice", 0},
		{"named by the profile", role + "role_session_name = bob\n", "m", Options{}, time.Hour, "bob", 0},
		{"named by the user", "[profile p]\nrole_session_name = ${aws:username}\n", "p", Options{}, time.Hour, UserName, 0},
		{"no user to name it by", role + "role_session_name = ${aws:username}\n", "m", Options{}, time.Hour, "aws-vault-alice", 0},
		{"limited as the profile is", role + readOnly, "m", Options{}, time.Hour, "aws-vault-alice", 1},
		{"what was the first role's", role + "external_id = x1\nsession_tags = a=b\nsource_identity = alice\n", "m", Options{}, time.Hour, "aws-vault-alice", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.For, tt.options.Name, tt.options.Then = Serve, "aws-vault-alice", []string{asked}
			pl, err := Make(resolve(t, tt.config, "p", nil), stored(tt.stored), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			last := pl.Last()
			want := AssumeRole{ARN: asked, SessionName: tt.session}
			if !reflect.DeepEqual(last.Spec, want) || last.Lasts != tt.lasts || len(last.Policy.ARNs) != tt.policies || last.Keep {
				t.Errorf("planned %+v, lasting %v, %d policies, kept: %v\nwant    %+v, lasting %v, %d policies, not kept",
					last.Spec, last.Lasts, len(last.Policy.ARNs), last.Keep, want, tt.lasts, tt.policies)
			}
		})
	}
}

func TestExplainThen(t *testing.T) {
	o := Options{For: Serve, Name: "aws-vault-alice", Duration: 2 * time.Hour, Then: []string{asked}}
	pl, err := Make(resolve(t, "[profile m]\n", "m", nil), stored("m"), o)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := pl.Explain(&text, func(int) string { return "" }); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/then.golden", text.Bytes())
}

// The steps before are the very ones that the profile has by itself, so that one session
// and one code serve every role that is asked for.
func TestThenSharesWhatIsBefore(t *testing.T) {
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
		o.Then = []string{asked, asked + "2"}
		pl, err := Make(p, h, o)
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
		t.Error("no chain had a plan")
	}
}

func TestServeRefusals(t *testing.T) {
	var long *LongLivedError
	_, err := Make(resolve(t, "[profile m]\n", "m", nil), stored("m"), Options{For: Serve, NoSession: true})
	if !errors.As(err, &long) || long.Profile != "m" || long.Kind != KindStoredKey {
		t.Errorf("error %v, want one for a long-lived key", err)
	}
	for _, arn := range []string{"", "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:role/", "role/x", asked + "\n", asked + strings.Repeat("x", 3000)} {
		_, err := Make(resolve(t, "[profile m]\n", "m", nil), stored("m"), Options{Then: []string{arn}})
		var refused *RoleARNError
		if !errors.As(err, &refused) || refused.Found != arn || len(err.Error()) > 900 || strings.Contains(err.Error(), "\n") {
			t.Errorf("role %.40q: error %v", arn, err)
		}
	}
}
