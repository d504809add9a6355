package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/partition"
)

const canary = "CANARYSECRETEXAMPLECANARYSECRETEXAMPLE00"

// randomConfig returns the config file of a random chain p0 ← p1 ← …, the name of the requested profile, random stored
// keys and random options.
func randomConfig(r *rand.Rand) (config string, target string, h Holdings, o Options) {
	var b strings.Builder
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	devices := []string{"", "", "mfa_serial = m111111111\n", "mfa_serial = m111111111\n", "mfa_serial = m222222222\n", "mfa_serial =\n"}
	if r.IntN(4) == 0 {
		fmt.Fprintf(&b, "[default]\nregion = eu-west-1\n%s", one(devices...))
	}
	n := 1 + r.IntN(4)
	h = stored()
	for i := range n {
		fmt.Fprintf(&b, "[profile p%d]\n%s", i, one(devices...))
		if i > 0 {
			fmt.Fprintf(&b, "source_profile = p%d\n", i-1)
		}
		if r.IntN(3) > 0 {
			fmt.Fprintf(&b, "role_arn = arn:%s:iam::123456789012:role/r%d\n", one("aws", "aws-cn"), i)
		}
		b.WriteString(one("", "", "duration_seconds = 900\n", "duration_seconds = 7200\n", "duration_seconds = 43200\n"))
		b.WriteString(one("", "", "external_id = x1\n", "source_identity = alice\n", "session_tags = a=b,c=d\n", "mfa_process = printcode\n", "mfa_max_age = 1h\n"))
		b.WriteString(one("", "", "region = us-west-2\n", "region = cn-north-1\n"))
		if i == 0 {
			b.WriteString(one("", "", "", sso, "web_identity_token_file = /t\n", anywhere, "credential_process = c\n", "credential_source = EcsContainer\n",
				"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = "+canary+"\n"))
		}
		if i == 0 && r.IntN(2) == 0 || r.IntN(8) == 0 {
			h.Keys[fmt.Sprintf("p%d", i)] = "f"
		}
	}
	o = Options{NoSession: r.IntN(5) == 0, SessionName: "aws-vault-alice"}
	if r.IntN(3) == 0 {
		o.Duration = []time.Duration{15 * time.Minute, 2 * time.Hour, 12 * time.Hour}[r.IntN(3)]
	}
	return b.String(), fmt.Sprintf("p%d", n-1), h, o
}

// TestProperties checks rules that apply to every plan. It uses random chains.
func TestProperties(t *testing.T) {
	const chains = 20000
	made, seed := 0, rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for range chains {
		config, target, h, o := randomConfig(r)
		p := resolve(t, config, target, nil)
		pl, err := Make(p, h, o)
		if err != nil {
			if strings.Contains(err.Error(), canary) {
				t.Fatalf("seed %d: an error contains a secret: %v", seed, err)
			}
			continue
		}
		made++
		again, err := Make(p, h, o)
		if err != nil || !reflect.DeepEqual(pl, again) {
			t.Fatalf("seed %d: planning twice returns two different plans\n%s", seed, config)
		}
		if err := violation(pl); err != "" {
			t.Fatalf("seed %d: %s\n%s\n%v", seed, err, config, steps(pl))
		}
	}
	if made < chains/4 {
		t.Errorf("only %d of %d chains could be planned", made, chains)
	}
}

func violation(pl Plan) string {
	asked := map[string]bool{}
	var out bytes.Buffer
	pl.Explain(&out, func(int) string { return "" })
	raw, err := json.Marshal(pl)
	if err != nil {
		return err.Error()
	}
	if bytes.Contains(raw, []byte(canary)) || strings.Contains(out.String(), canary) {
		return "a plan holds a secret"
	}
	for i, s := range pl.Steps {
		if i == 0 {
			continue
		}
		before := pl.Steps[i-1]
		if role, ok := s.Spec.(AssumeRole); ok && !partition.Contains(partition.OfARN(role.ARN), s.Region) {
			return "a role is assumed in a region of another partition"
		}
		if s.Kind == KindAssumeRole && before.Yields.Temporary != No && s.Duration > MaxChained {
			return "a role lasts over an hour on a temporary credential"
		}
		if s.MFA.Serial != "" {
			if asked[s.MFA.Serial] {
				return "two steps need a code of the same device"
			}
			asked[s.MFA.Serial] = true
			if before.Yields.Principal == Role || before.Kind == KindSessionToken {
				return "a code is presented with the credentials of a role or a session"
			}
		}
		if s.Kind == KindSessionToken && before.Yields != (Yield{User, No}) {
			return "a session token is requested with something other than a user's key"
		}
		if s.Region == "" {
			return "a call goes nowhere"
		}
		if s.Why == "" {
			return "a step has no reason"
		}
		if pl.Digest(i) == pl.Digest(i-1) {
			return "a step does not change the digest"
		}
	}
	return ""
}

// If a setting changes a parameter of a call to AWS, it also changes the digest of the final credentials.
func TestEditedSettingChangesDigest(t *testing.T) {
	const base = "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\nmfa_serial = m111111111\nregion = eu-west-1\n" + arn
	digest := func(config string, h Holdings, o Options) Digest {
		pl, err := Make(resolve(t, config, "r", nil), h, o)
		if err != nil {
			t.Fatal(err)
		}
		return pl.Digest(len(pl.Steps) - 1)
	}
	before := digest(base, stored("m"), Options{})
	for name, config := range map[string]string{
		"role":            strings.Replace(base, "role/r", "role/other", 1),
		"region":          strings.Replace(base, "eu-west-1", "eu-west-2", 1),
		"device":          strings.ReplaceAll(base, "m111111111", "m222222222"),
		"external id":     base + "external_id = x1\n",
		"tags":            base + "session_tags = a=b\n",
		"source identity": base + "source_identity = alice\n",
		"session name":    base + "role_session_name = alice\n",
		"policy":          base + `session_policy = {"Statement":[]}` + "\n",
		"policy ARN":      base + "session_policy_arns = arn:aws:iam::aws:policy/ReadOnlyAccess\n",
		"duration":        base + "duration_seconds = 1800\n",
		"endpoint":        base + "endpoint_url = http://127.0.0.1:1\n",
		"FIPS":            base + "use_fips_endpoint = true\n",
	} {
		if digest(config, stored("m"), Options{}) == before {
			t.Errorf("a changed %s has the old digest", name)
		}
	}
	if digest(base, Holdings{Keys: map[string]string{"m": "another"}}, Options{}) == before {
		t.Error("a different key has the old digest")
	}
	renamed := strings.NewReplacer("profile m]", "profile n]", "source_profile = m", "source_profile = n").Replace(base)
	if digest(renamed, Holdings{Keys: map[string]string{"n": "fingerprint of m"}}, Options{}) != before {
		t.Error("a profile's new name makes another session")
	}
}
