package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/profile"
)

func TestTrust(t *testing.T) {
	config := func(text string) *profile.Profile { return resolve(t, text, "r", nil) }
	pl, err := Make(config("[profile r]\nsource_profile = s\n"+role+"r\n[profile s]\n"+sso), Holdings{}, Options{SessionName: "n"})
	if err != nil {
		t.Fatal(err)
	}
	trust, notes, err := pl.Trust(TokenClaims{}, false, "")
	if err != nil || len(notes) > 0 || !strings.HasSuffix(trust.Principal, ":root") || !strings.Contains(trust.ARNLike, "AWSReservedSSO_") || trust.Tags {
		t.Errorf("%+v %q %v", trust, notes, err)
	}
	if trust, _, _ := pl.Trust(TokenClaims{}, true, ""); !trust.Tags {
		t.Error("agents cannot be tagged")
	}
	pl, err = Make(config("[profile r]\nsource_profile = w\n"+role+"r\n[profile w]\nweb_identity_token_file = t\n"+role+"w\n"), Holdings{}, Options{SessionName: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if trust, notes, err := pl.Trust(TokenClaims{}, false, ""); err != nil || len(notes) > 0 || !strings.HasSuffix(trust.Principal, ":role/w") || !trust.Tags || !trust.SourceIdentity {
		t.Errorf("%+v %q %v", trust, notes, err)
	}
	pl.Steps = pl.Steps[:1]
	var noToken *NoTokenError
	if _, _, err := pl.Trust(TokenClaims{Issuer: "https://id.example.com"}, false, ""); !errors.As(err, &noToken) {
		t.Error(err)
	}
	if trust, _, err := pl.Trust(TokenClaims{Issuer: "https://id.example.com", Audience: "a", Subject: "alice"}, false, ""); err != nil || trust.Principal != "arn:aws:iam::123456789012:oidc-provider/id.example.com" {
		t.Errorf("%+v %v", trust, err)
	}
	pl, err = Make(config("[profile r]\n"), stored("r"), Options{SessionName: "n"})
	var noRole *NoRoleError
	if _, _, trustErr := pl.Trust(TokenClaims{}, false, ""); err != nil || !errors.As(trustErr, &noRole) {
		t.Errorf("%v, %v", err, trustErr)
	}
	if !slices.Equal(steps(pl), []string{"stored key r", "session token r 1h kept"}) {
		t.Errorf("%q", steps(pl))
	}
}

// If a claim sets the session name and the value of the claim is known, the trust policy allows only
// that session name. The value of the subject claim is always known.
func TestTrustOfSignIn(t *testing.T) {
	const named = bySignIn + "role_session_name_claim = email\n" + role + "o\n"
	h := Holdings{Identities: map[Digest]Identity{
		OIDC{Issuer: "https://id.example.com", Client: "aws"}.TokenDigest(): {Subject: "auth0|1", Claims: map[string]string{"email": "al@example.com"}},
	}}
	for _, tt := range []struct {
		name, config, subject string
		h                     Holdings
		want                  string // the session name in the trust policy
		notes                 int
	}{
		{"a subject", bySignIn + role + "o\n", "alice", Holdings{}, "alice", 0},
		{"a claim of nobody known", named, "auth0|1", Holdings{}, "", 1},
		{"a claim", named, "", h, "al@example.com", 0},
		{"another's claim", named, "auth0|2", h, "", 1},
		{"the profile's own", bySignIn + "role_session_name = bob\n" + role + "o\n", "auth0|2", Holdings{}, "bob", 0},
		{"an identity", byIdentity + role + "i\n", "", Holdings{}, "me@example.com", 0},
		{"an identity under another name", byIdentity + role + "i\n", "you@example.com", Holdings{}, "you@example.com", 0},
	} {
		pl, err := Make(resolve(t, tt.config, tt.config[strings.LastIndex(tt.config, "[profile ")+9:][:1], nil), tt.h, Options{SessionName: "n"})
		if err != nil {
			t.Fatal(tt.name, err)
		}
		trust, notes, err := pl.Trust(TokenClaims{Subject: tt.subject}, false, "")
		if err != nil || trust.SessionName != tt.want || len(notes) != tt.notes {
			t.Errorf("%s: %+v, %q, %v", tt.name, trust, notes, err)
		}
	}
}

// The trust policy names the account of the caller, which can be another account than the role's.
func TestTrustedAccount(t *testing.T) {
	const far = "role_arn = arn:aws:iam::222222222222:role/r\n"
	const device = "mfa_serial = arn:aws:iam::111111111111:mfa/alice\n"
	for _, tt := range []struct{ name, config, stored, principal, want string }{
		{"the device of the source", "[profile alice]\n" + device + "[profile r]\nsource_profile = alice\n" + far, "alice", "", "arn:aws:iam::111111111111:root"},
		{"the device of the role", "[profile alice]\n[profile r]\nsource_profile = alice\n" + device + far, "alice", "", "arn:aws:iam::111111111111:root"},
		{"the device of all profiles", "[default]\n" + device + "[profile alice]\n[profile r]\nsource_profile = alice\nmfa_serial =\n" + far, "alice", "", "arn:aws:iam::111111111111:root"},
		{"a process", "[profile alice]\ncredential_process = p\n" + device + "[profile r]\nsource_profile = alice\n" + far, "", "", "arn:aws:iam::111111111111:root"},
		{"a sign-in as a role", "[profile alice]\nlogin_session = arn:aws:sts::111111111111:assumed-role/dev/alice\n[profile r]\nsource_profile = alice\n" + far, "", "", "arn:aws:iam::111111111111:root"},
		{"another partition", "[profile alice]\n" + device + "[profile r]\nsource_profile = alice\nrole_arn = arn:aws-cn:iam::222222222222:role/r\n", "alice", "", "arn:aws-cn:iam::111111111111:root"},
		{"no device", "[profile alice]\n[profile r]\nsource_profile = alice\n" + far, "alice", "", ""},
		{"a device without an account", "[profile alice]\nmfa_serial = GAHT12345678\n[profile r]\nsource_profile = alice\n" + far, "alice", "", ""},
		{"a device of all profiles, but the caller is a role", "[default]\n" + device + "[profile alice]\ncredential_source = Ec2InstanceMetadata\n[profile r]\nsource_profile = alice\nmfa_serial =\n" + far, "", "", ""},
		{"no device, but a principal", "[profile alice]\n[profile r]\nsource_profile = alice\n" + far, "alice", "arn:aws:iam::333333333333:user/bob", "arn:aws:iam::333333333333:user/bob"},
		{"Roles Anywhere", "[profile r]\n" + anywhere + far, "", "", "rolesanywhere.amazonaws.com"},
	} {
		pl, err := Make(resolve(t, tt.config, "r", nil), stored(strings.Fields(tt.stored)...), Options{SessionName: "n"})
		if err != nil {
			t.Fatal(tt.name, err)
		}
		trust, _, err := pl.Trust(TokenClaims{}, false, tt.principal)
		var unknown *UnknownCallerError
		if trust.Principal != tt.want || (tt.want == "") != errors.As(err, &unknown) || tt.want != "" && err != nil {
			t.Errorf("%s: %+v, %v, want %s", tt.name, trust, err, tt.want)
		}
	}
}

// The trust policy has a condition on the age of the MFA code, whether the session token or the call for the role
// sends the code.
func TestTrustedAge(t *testing.T) {
	const device = "mfa_serial = arn:aws:iam::111111111111:mfa/alice\n"
	for name, holder := range map[string]string{"a session token presents the code": device, "the call presents the code": ""} {
		pl, err := Make(resolve(t, "[profile m]\n"+holder+"[profile r]\nsource_profile = m\nmfa_max_age = 30m\n"+device+arn, "r", nil), stored("m"), Options{SessionName: "n"})
		if err != nil {
			t.Fatal(err)
		}
		if trust, _, err := pl.Trust(TokenClaims{}, false, ""); err != nil || !trust.MFA || trust.MFAMaxAge != 30*time.Minute {
			t.Errorf("%s: %+v, %v", name, trust, err)
		}
	}
}

// Identity Center writes the trust policies of its roles.
func TestTrustOfAssignedRole(t *testing.T) {
	pl, err := Make(resolve(t, "[profile s]\n"+sso, "s", nil), Holdings{}, Options{SessionName: "n"})
	if err != nil {
		t.Fatal(err)
	}
	var noRole *NoRoleError
	if _, _, err := pl.Trust(TokenClaims{}, false, ""); !errors.As(err, &noRole) || !strings.Contains(err.Error(), "Identity Center") {
		t.Errorf("got %v", err)
	}
}
