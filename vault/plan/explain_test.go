package plan

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", file, got, want)
	}
}

func TestExplain(t *testing.T) {
	config := `[profile m]
mfa_serial = arn:aws:iam::123456789012:mfa/alice
mfa_process = print-code
[profile hub]
source_profile = m
mfa_serial = arn:aws:iam::123456789012:mfa/alice
role_arn = arn:aws:iam::123456789012:role/hub
session_tags = Team=infra,Cost=12
transitive_session_tags = Team
mfa_max_age = 1h
[profile prod]
source_profile = hub
role_arn = arn:aws-cn:iam::210987654321:role/prod
external_id = x-1
source_identity = alice
endpoint_url = http://127.0.0.1:1
session_policy = {"Statement": []}
session_policy_arns = arn:aws:iam::aws:policy/ReadOnlyAccess
`
	pl, err := Make(resolve(t, config, "prod", nil), stored("m"), Options{SessionName: "aws-vault-alice", Duration: 90 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := pl.Explain(&text, func(i int) string {
		if i == 1 {
			return "kept until 12:00:00"
		}
		return ""
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/explain.golden", text.Bytes())
	raw, err := json.MarshalIndent(pl, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/explain.json.golden", append(raw, '\n'))
}

func TestExplainSources(t *testing.T) {
	var text bytes.Buffer
	for _, config := range []string{
		"[profile p]\n" + sso,
		"[profile p]\nsession_tags = a=b\nweb_identity_token_file = /t\n" + arn,
		"[profile p]\nweb_identity_token_process = printtoken\n" + arn,
		"[profile p]\noidc_flow = device\noidc_redirect_ports = 8000, 18000\n" + oidc + arn,
		"[profile p]\nsource_identity = alice\n" + strings.Replace(anywhere, "alice.key", "piv:9c", 1) + arn,
		"[profile p]\nrole_session_name = alice\n" + anywhere + arn,
		"[profile p]\nidentity = alice\nsession_tags = Team=blue\ntransitive_session_tags = Team\n[identity alice]\nidentity_issuer = https://id.example.com/alice\nidentity_subject = alice@example.com\n[profile p]\n" + arn,
		"[profile p]\ncredential_process = printkeys\n",
		"[profile p]\nlogin_session = arn:aws:iam::123456789012:user/alice\n",
		"[profile p]\ncredential_source = Environment\n",
		"[profile p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + canary + "\n",
	} {
		h := stored()
		h.Environment = &EnvironmentKey{Fingerprint: "f", Temporary: true}
		pl, err := Make(resolve(t, config, "p", nil), h, Options{SessionName: "aws-vault-alice"})
		if err != nil {
			t.Fatal(err)
		}
		if err := pl.Explain(&text, func(int) string { return "" }); err != nil {
			t.Fatal(err)
		}
		if pl.Last().Kind == "" {
			t.Error("a plan without a last step")
		}
	}
	golden(t, "testdata/sources.golden", text.Bytes())
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Hour: "1h", 90 * time.Minute: "1h30m", 15 * time.Minute: "15m", 61 * time.Second: "1m1s",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}
