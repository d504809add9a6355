package vault_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/plan"
	"aws-vault/vault/vaulttest"
)

const (
	mfa      = "mfa_serial = arn:aws:iam::123456789012:mfa/alice\n"
	otherMFA = "mfa_serial = arn:aws:iam::123456789012:mfa/other\n"
	hub      = "role_arn = arn:aws:iam::123456789012:role/hub\n"
	prod     = "role_arn = arn:aws:iam::210987654321:role/prod\n"
	readonly = "role_arn = arn:aws:iam::123456789012:role/readonly\n"
	long     = "role_arn = arn:aws:iam::123456789012:role/long\n"
	onM      = "source_profile = m\n"
)

// The decision table by what AWS is asked: each row is carried out against an AWS that
// refuses what AWS refuses, then once more, when nothing but what cannot be kept may be
// asked again.
func TestDecisionTableCalls(t *testing.T) {
	hour2 := plan.Options{Duration: 2 * time.Hour}
	for _, tt := range []struct {
		name    string
		config  string // whose last profile is asked for; the first one's key is stored, if it is m
		options plan.Options
		env     map[string]string
		want    string // calls, and how often the user was asked
		again   string // the same for a second run; nothing for the most part
		err     string
	}{
		{name: "1", config: "[profile m]\n", want: "GetSessionToken duration=3600 by=user/alice"},
		{name: "2", config: "[profile m]\n" + mfa, want: "GetSessionToken duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "3", config: "[profile m]\n" + mfa, options: plan.Options{NoSession: true}},
		{name: "4", config: "[profile m]\n" + readonly, want: "AssumeRole readonly duration=3600 by=user/alice"},
		{name: "4 MFA", config: "[profile m]\n" + mfa + hub, want: "AssumeRole hub duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "5", config: "[profile m]\n" + mfa + "[profile r]\n" + onM + mfa + hub,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|asked 1"},
		{name: "6", config: "[profile m]\n" + mfa + "[profile r]\n" + onM + mfa + long, options: hour2,
			want: "AssumeRole long duration=7200 mfa=alice by=user/alice|asked 1"},
		{name: "7", config: "[profile m]\n" + mfa + "[profile r]\n" + onM + readonly,
			want: "AssumeRole readonly duration=3600 by=user/alice"},
		{name: "8", config: "[profile m]\n[profile r]\n" + onM + mfa + hub,
			want: "AssumeRole hub duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "9", config: "[profile m]\n" + otherMFA + "[profile r]\n" + onM + mfa + hub,
			want: "AssumeRole hub duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "10", config: "[profile m]\n[profile r]\n" + onM + readonly,
			want: "AssumeRole readonly duration=3600 by=user/alice"},
		{name: "11", config: twoRoles,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|AssumeRole prod duration=3600 by=role/hub|asked 1"},
		{name: "12", config: twoRoles, options: hour2,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|AssumeRole prod duration=3600 by=role/hub|asked 1"},
		{name: "13", config: twoRoles + mfa, options: plan.Options{NoSession: true}, err: "as no session token is to be taken"},
		{name: "14", config: "[profile m]\n" + mfa + hub + "[profile top]\n" + onM + mfa + prod,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|AssumeRole prod duration=3600 by=role/hub|asked 1"},
		{name: "15", config: "[profile m]\n" + mfa + "[profile c]\n" + onM + mfa,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|asked 1"},
		{name: "16", config: "[profile m]\n" + mfa + "[profile c]\n" + onM + mfa, options: hour2,
			want: "GetSessionToken duration=7200 mfa=alice by=user/alice|asked 1"},
		{name: "17", config: "[profile m]\n" + mfa + "[profile c]\n" + onM,
			want: "GetSessionToken duration=3600 by=user/alice"},
		{name: "18", config: "[profile m]\n" + mfa + "[profile hop]\n" + onM + "[profile r]\nsource_profile = hop\n" + mfa + hub,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|asked 1"},
		{name: "18 -d 2h", config: "[profile m]\n" + mfa + "[profile hop]\n" + onM + "[profile r]\nsource_profile = hop\n" + mfa + long, options: hour2,
			want: "AssumeRole long duration=7200 mfa=alice by=user/alice|asked 1"},
		{name: "22", config: "[profile w]\nweb_identity_token_process = token\nrole_arn = arn:aws:iam::123456789012:role/web\n",
			want: "AssumeRoleWithWebIdentity web duration=3600"},
		{name: "23", config: "[profile w]\nweb_identity_token_process = token\nrole_arn = arn:aws:iam::123456789012:role/web\n[profile r]\nsource_profile = w\nrole_arn = arn:aws:iam::123456789012:role/onweb\n", options: hour2,
			want: "AssumeRoleWithWebIdentity web duration=3600|AssumeRole onweb duration=3600 by=role/web"},
		{name: "24", config: "[profile c]\ncredential_process = temporary\n"},
		{name: "25", config: "[profile c]\ncredential_process = temporary\n[profile r]\nsource_profile = c\n" + readonly, options: hour2,
			want: "AssumeRole readonly duration=3600 by=session/alice"},
		{name: "26", config: "[profile c]\ncredential_process = lasting\n"},
		{name: "26 role beside it", config: "[profile c]\ncredential_process = lasting\n" + mfa + hub,
			want: "AssumeRole hub duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "27", config: "[profile m]\n", env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/readonly"},
			want: "AssumeRole readonly duration=3600 by=user/alice"},
		{name: "28", config: "[default]\nregion = eu-west-1\n[profile gone]\n", err: `profile "gone" has no stored key`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.config)
			w.commands(t)
			for k, v := range tt.env {
				w.env[k] = v
			}
			if strings.HasPrefix(tt.config, "[profile m]") {
				w.store(t, "m")
			}
			name := tt.config[strings.LastIndex(tt.config, "[profile ")+len("[profile "):]
			name, _, _ = strings.Cut(name, "]")
			for run, want := range []string{tt.want, tt.again} {
				creds, err := w.credentials(t, name, tt.options)
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("error %v, want one with %q", err, tt.err)
					}
				} else if err != nil || creds.AccessKeyID == "" {
					t.Fatalf("run %d: %v", run+1, err)
				}
				got := w.calls()
				if w.asked > 0 {
					got = append(got, "asked "+string(rune('0'+w.asked)))
				}
				w.asked = 0
				if got := strings.Join(got, "|"); got != want {
					t.Errorf("run %d:\ngot  %s\nwant %s", run+1, got, want)
				}
			}
		})
	}
}

const twoRoles = "[profile m]\n" + mfa + "[profile r1]\n" + onM + mfa + hub + "[profile r2]\nsource_profile = r1\n" + prod

// commands are what profiles of the table run, and the roles that go with them.
func (w *world) commands(t *testing.T) {
	t.Helper()
	issuer, err := w.aws.AddIssuer("123456789012", "corp", "sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	w.aws.AddRole("arn:aws:iam::123456789012:role/web", vaulttest.Role{Trusts: []string{issuer.ARN()}})
	w.aws.AddRole("arn:aws:iam::123456789012:role/onweb", vaulttest.Role{Trusts: []string{"arn:aws:iam::123456789012:role/web"}})
	if w.env["token"], err = issuer.Token("alice", nil); err != nil {
		t.Fatal(err)
	}
	w.env["token"] += "\r\n"
	w.env["lasting"] = process(t, map[string]any{"AccessKeyId": w.Key.ID, "SecretAccessKey": w.Key.Secret})
	w.store(t, "for-the-process")
	session, err := w.credentials(t, "for-the-process", plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.env["temporary"] = process(t, map[string]any{
		"AccessKeyId": session.AccessKeyID, "SecretAccessKey": session.SecretAccessKey, "SessionToken": session.SessionToken,
		"Expiration": session.Expires.Format(time.RFC3339),
	})
	if err := w.Keys.Remove(t.Context(), "for-the-process"); err != nil {
		t.Fatal(err)
	}
	for name := range w.sessions.Items {
		delete(w.sessions.Items, name)
	}
	w.aws.Reset()
}

func process(t *testing.T, answer map[string]any) string {
	t.Helper()
	answer["Version"] = 1
	raw, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
