package vault_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/testvault"
	"aws-vault/vault/plan"
)

// TestDecisionTableCalls carries out each row of the decision table twice against the fake AWS. It compares the
// calls of both runs with the table. The second run must repeat only calls whose results cannot be cached.
func TestDecisionTableCalls(t *testing.T) {
	hour2 := plan.Options{Duration: 2 * time.Hour}
	for _, tt := range []struct {
		name    string
		config  string // the test uses the last profile; if the first profile is named m, its key is stored
		options plan.Options
		env     map[string]string
		want    string // calls to AWS in the first run, and the number of prompts
		again   string // calls and prompts in the second run; usually empty
		err     string
	}{
		{name: "1", config: "[profile m]\n", want: "GetSessionToken duration=3600 by=user/alice"},
		{name: "2", config: "[profile m]\n" + testvault.MFA, want: "GetSessionToken duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "3", config: "[profile m]\n" + testvault.MFA, options: plan.Options{NoSession: true}},
		{name: "4", config: "[profile m]\n" + testvault.Readonly, want: "AssumeRole readonly duration=3600 by=user/alice"},
		{name: "4 MFA", config: "[profile m]\n" + testvault.MFA + testvault.Hub, want: "AssumeRole hub duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "5", config: "[profile m]\n" + testvault.MFA + "[profile r]\n" + testvault.SourceM + testvault.MFA + testvault.Hub,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|asked 1"},
		{name: "6", config: "[profile m]\n" + testvault.MFA + "[profile r]\n" + testvault.SourceM + testvault.MFA + testvault.Long, options: hour2,
			want: "AssumeRole long duration=7200 mfa=alice by=user/alice|asked 1"},
		{name: "7", config: "[profile m]\n" + testvault.MFA + "[profile r]\n" + testvault.SourceM + testvault.Readonly,
			want: "AssumeRole readonly duration=3600 by=user/alice"},
		{name: "8", config: "[profile m]\n[profile r]\n" + testvault.SourceM + testvault.MFA + testvault.Hub,
			want: "AssumeRole hub duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "9", config: "[profile m]\n" + testvault.OtherMFA + "[profile r]\n" + testvault.SourceM + testvault.MFA + testvault.Hub,
			want: "AssumeRole hub duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "10", config: "[profile m]\n[profile r]\n" + testvault.SourceM + testvault.Readonly,
			want: "AssumeRole readonly duration=3600 by=user/alice"},
		{name: "11", config: twoRoles,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|AssumeRole prod duration=3600 by=role/hub|asked 1"},
		{name: "12", config: twoRoles, options: hour2,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|AssumeRole prod duration=3600 by=role/hub|asked 1"},
		{name: "13", config: twoRoles + testvault.MFA, options: plan.Options{NoSession: true}, err: "because session tokens are turned off"},
		{name: "14", config: "[profile m]\n" + testvault.MFA + testvault.Hub + "[profile top]\n" + testvault.SourceM + testvault.MFA + testvault.Prod,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|AssumeRole prod duration=3600 by=role/hub|asked 1"},
		{name: "15", config: "[profile m]\n" + testvault.MFA + "[profile c]\n" + testvault.SourceM + testvault.MFA,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|asked 1"},
		{name: "16", config: "[profile m]\n" + testvault.MFA + "[profile c]\n" + testvault.SourceM + testvault.MFA, options: hour2,
			want: "GetSessionToken duration=7200 mfa=alice by=user/alice|asked 1"},
		{name: "17", config: "[profile m]\n" + testvault.MFA + "[profile c]\n" + testvault.SourceM,
			want: "GetSessionToken duration=3600 by=user/alice"},
		{name: "18", config: "[profile m]\n" + testvault.MFA + "[profile hop]\n" + testvault.SourceM + "[profile r]\nsource_profile = hop\n" + testvault.MFA + testvault.Hub,
			want: "GetSessionToken duration=28800 mfa=alice by=user/alice|AssumeRole hub duration=3600 by=session/alice|asked 1"},
		{name: "18 -d 2h", config: "[profile m]\n" + testvault.MFA + "[profile hop]\n" + testvault.SourceM + "[profile r]\nsource_profile = hop\n" + testvault.MFA + testvault.Long, options: hour2,
			want: "AssumeRole long duration=7200 mfa=alice by=user/alice|asked 1"},
		{name: "22", config: "[profile w]\nweb_identity_token_process = token\nrole_arn = arn:aws:iam::123456789012:role/web\n",
			want: "AssumeRoleWithWebIdentity web duration=3600"},
		{name: "23", config: "[profile w]\nweb_identity_token_process = token\nrole_arn = arn:aws:iam::123456789012:role/web\n[profile r]\nsource_profile = w\nrole_arn = arn:aws:iam::123456789012:role/onweb\n", options: hour2,
			want: "AssumeRoleWithWebIdentity web duration=3600|AssumeRole onweb duration=3600 by=role/web"},
		{name: "24", config: "[profile c]\ncredential_process = temporary\n"},
		{name: "25", config: "[profile c]\ncredential_process = temporary\n[profile r]\nsource_profile = c\n" + testvault.Readonly, options: hour2,
			want: "AssumeRole readonly duration=3600 by=session/alice"},
		{name: "26", config: "[profile c]\ncredential_process = lasting\n"},
		{name: "26 with a role", config: "[profile c]\ncredential_process = lasting\n" + testvault.MFA + testvault.Hub,
			want: "AssumeRole hub duration=3600 mfa=alice by=user/alice|asked 1"},
		{name: "27", config: "[profile m]\n", env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/readonly"},
			want: "AssumeRole readonly duration=3600 by=user/alice"},
		{name: "28", config: "[default]\nregion = eu-west-1\n[profile gone]\n", err: `profile "gone" has no stored key`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := testvault.New(t, tt.config)
			runCommands(w, t)
			for k, v := range tt.env {
				w.Env[k] = v
			}
			if strings.HasPrefix(tt.config, "[profile m]") {
				w.StoreKey(t, "m")
			}
			name := tt.config[strings.LastIndex(tt.config, "[profile ")+len("[profile "):]
			name, _, _ = strings.Cut(name, "]")
			for run, want := range []string{tt.want, tt.again} {
				creds, err := w.Create(t, name, tt.options)
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("error %v, want one that contains %q", err, tt.err)
					}
				} else if err != nil || creds.AccessKeyID == "" {
					t.Fatalf("run %d: %v", run+1, err)
				}
				got := w.Calls()
				if w.Prompts > 0 {
					got = append(got, "asked "+string(rune('0'+w.Prompts)))
				}
				w.Prompts = 0
				if got := strings.Join(got, "|"); got != want {
					t.Errorf("run %d:\ngot  %s\nwant %s", run+1, got, want)
				}
			}
		})
	}
}

const twoRoles = "[profile m]\n" + testvault.MFA + "[profile r1]\n" + testvault.SourceM + testvault.MFA + testvault.Hub + "[profile r2]\nsource_profile = r1\n" + testvault.Prod

// runCommands provides the programs and roles that profiles of the table use.
func runCommands(w *testvault.World, t *testing.T) {
	t.Helper()
	issuer, err := w.AWS.AddIssuer("123456789012", "corp", "sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	w.AWS.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}})
	w.AWS.AddRole("arn:aws:iam::123456789012:role/onweb", fakeaws.Role{Trusts: []string{"arn:aws:iam::123456789012:role/web"}})
	if w.Env["token"], err = issuer.Token("alice", nil); err != nil {
		t.Fatal(err)
	}
	w.Env["token"] += "\r\n"
	w.Env["lasting"] = process(t, map[string]any{"AccessKeyId": w.Key.ID, "SecretAccessKey": w.Key.Secret})
	w.StoreKey(t, "for-the-process")
	session, err := w.Create(t, "for-the-process", plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.Env["temporary"] = process(t, map[string]any{
		"AccessKeyId": session.AccessKeyID, "SecretAccessKey": session.SecretAccessKey, "SessionToken": session.SessionToken,
		"Expiration": session.Expires.Format(time.RFC3339),
	})
	if err := w.Keys.Remove(t.Context(), "for-the-process"); err != nil {
		t.Fatal(err)
	}
	for name := range w.SessionRing.Items {
		delete(w.SessionRing.Items, name)
	}
	w.AWS.Reset()
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
