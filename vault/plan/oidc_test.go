package plan

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const oidc = "oidc_issuer = https://id.example.com\noidc_client_id = aws\n"

// provider is the OIDC provider that the settings in the constant oidc describe.
var provider = OIDC{Issuer: "https://id.example.com", Client: "aws"}

func signedIn(to OIDC, claims map[string]string) Holdings {
	h := stored()
	h.Identities = map[Digest]Identity{to.TokenDigest(): {Subject: claims["sub"], Claims: claims}}
	return h
}

func TestOIDCPlan(t *testing.T) {
	alice := map[string]string{"sub": "alice@example.com", "email": "alice@corp.example.com", "email_verified": "true"}
	for _, tt := range []struct {
		name, config string
		claims       map[string]string
		session      string // the expected session name
		claim        string
	}{
		{"nobody yet", "[profile p]\n" + oidc + arn, nil, "", "sub"},
		{"the subject", "[profile p]\n" + oidc + arn, alice, "alice@example.com", "sub"},
		{"another claim", "[profile p]\nrole_session_name_claim = email\n" + oidc + arn, alice, "alice@corp.example.com", "email"},
		{"the profile's own name", "[profile p]\nrole_session_name = al\nrole_session_name_claim = email\n" + oidc + arn, alice, "al", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := stored()
			if tt.claims != nil {
				h = signedIn(provider, tt.claims)
			}
			pl, err := Make(resolve(t, tt.config, "p", nil), h, Options{SessionName: "aws-vault-al"})
			if err != nil {
				t.Fatal(err)
			}
			spec := pl.Steps[0].Spec.(OIDCRole)
			if spec.SessionName != tt.session || spec.NameClaim != tt.claim || spec.Subject != tt.claims["sub"] {
				t.Errorf("got %+v", spec)
			}
			if got := steps(pl); !slices.Equal(got, []string{"OIDC role p 1h kept"}) {
				t.Errorf("steps %q", got)
			}
			known, err := spec.WithIdentity(Identity{Subject: alice["sub"], Claims: alice})
			later := pl.WithFirstSpec(known)
			if err != nil || tt.claims != nil && later.Digest(0) != pl.Digest(0) || tt.claims == nil && later.Digest(0) == pl.Digest(0) {
				t.Errorf("signed in later: %v, %v", later.Steps[0].Spec, err)
			}
			if pl.Steps[0].Spec.(OIDCRole).Subject != tt.claims["sub"] {
				t.Error("WithIdentity changed the plan itself")
			}
		})
	}
}

// A claim is used as the session name only if AWS accepts the claim unchanged. It is never rewritten.
func TestIdentityIsNotRewritten(t *testing.T) {
	for _, tt := range []struct {
		claim  string
		claims map[string]string
		ok     bool
	}{
		{"sub", map[string]string{"sub": "al"}, true},
		{"sub", map[string]string{"sub": "a+b=c,d@e-f_g.H1"}, true},
		{"sub", map[string]string{"sub": strings.Repeat("a", 64)}, true},
		{"sub", map[string]string{"sub": strings.Repeat("a", 65)}, false},
		{"sub", map[string]string{"sub": "a"}, false},
		{"sub", map[string]string{"sub": "auth0|5f7c8ec7c33c6c004bbafe82"}, false},
		{"sub", map[string]string{"sub": "alice smith"}, false},
		{"sub", map[string]string{"sub": "älice"}, false},
		{"email", map[string]string{"sub": "alice"}, false},
		{"email", map[string]string{"sub": "alice", "email": "a@example.com"}, true},
		{"email", map[string]string{"sub": "alice", "email": "a@example.com", "email_verified": "false"}, false},
	} {
		role := OIDCRole{OIDC: provider, NameClaim: tt.claim}
		known, err := role.WithIdentity(Identity{Subject: tt.claims["sub"], Claims: tt.claims})
		var e *SessionNameError
		if tt.ok && (err != nil || known.SessionName != tt.claims[tt.claim]) || !tt.ok && (!errors.As(err, &e) || known.SessionName != "") {
			t.Errorf("%s of %v: %q, %v", tt.claim, tt.claims, known.SessionName, err)
		}
		_, err = Make(resolve(t, "[profile p]\nrole_session_name_claim = "+tt.claim+"\n"+oidc+arn, "p", nil), signedIn(provider, tt.claims), Options{})
		if (err == nil) != tt.ok {
			t.Errorf("planned with %s of %v: %v", tt.claim, tt.claims, err)
		}
	}
}

// If only the subject is known, WithIdentity can set the session name from the claim sub. It leaves the session
// name empty for all other claims.
func TestOnlyTheSubjectIsKnown(t *testing.T) {
	for claim, want := range map[string]string{"sub": "alice", "email": ""} {
		got, err := OIDCRole{NameClaim: claim}.WithIdentity(Identity{Subject: "alice"})
		if err != nil || got.SessionName != want || got.Subject != "alice" {
			t.Errorf("by %s: %+v, %v", claim, got, err)
		}
	}
	var e *SessionNameError
	if _, err := (OIDCRole{NameClaim: "sub"}).WithIdentity(Identity{Subject: "a|b"}); !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

// Profiles with the same oidc-session share a sign-in. Sign-ins with different providers or different
// parameters have different digests.
func TestOIDCToken(t *testing.T) {
	const session = "[oidc-session corp]\noidc_scopes = openid email\n" + oidc
	token := func(config string) Digest {
		t.Helper()
		o, err := Provider(resolve(t, session+config, "p", nil))
		if err != nil {
			t.Fatal(err)
		}
		return o.TokenDigest()
	}
	one := token("[profile p]\noidc_session = corp\n" + arn)
	if token("[profile p]\noidc_session = corp\noidc_flow = device\noidc_redirect_port = 8000\nrole_session_name = x1\n") != one {
		t.Error("profiles of one session do not share its token")
	}
	seen := map[Digest]string{one: "corp"}
	for _, config := range []string{
		oidc, oidc + "oidc_scopes = openid\n", oidc + "oidc_audience = x\n",
		"oidc_issuer = https://id.example.com/\noidc_client_id = aws\n", "oidc_issuer = https://id.example.com\noidc_client_id = aws2\n",
	} {
		d := token("[profile p]\n" + config)
		if other, ok := seen[d]; ok {
			t.Errorf("%q and %q share a token digest", config, other)
		}
		seen[d] = config
	}
}

// A session lasts one hour if its role is assumed with the credentials of an OIDC role. The same limit
// applies to all temporary credentials.
func TestOIDCChain(t *testing.T) {
	pl, err := Make(resolve(t, "[profile p]\n"+oidc+arn+"[profile q]\nsource_profile = p\nduration_seconds = 7200\n"+arn, "q", nil), stored(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := steps(pl); !slices.Equal(got, []string{"OIDC role p 1h kept", "assume role q 1h kept"}) {
		t.Errorf("steps %q", got)
	}
	pl, err = Make(resolve(t, "[profile p]\n"+oidc+arn, "p", nil), stored(), Options{Duration: 4 * time.Hour})
	if err != nil || pl.Last().Duration != 4*time.Hour {
		t.Errorf("the duration is %v, %v", pl.Last().Duration, err)
	}
}

func TestIncompleteProvider(t *testing.T) {
	for config, want := range map[string]string{
		"oidc_issuer = https://id.example.com\n" + arn: "config:2: profile p sets oidc_issuer without oidc_client_id, expected both",
		oidc:                 "config:2: profile p sets oidc_issuer without role_arn, expected both",
		"oidc_session = s\n": "config:2: profile p sets oidc_session without oidc_issuer, expected both",
		"role_session_name = x-${aws:username}\n" + oidc + arn: "config:2: role_session_name contains ${aws:username}, but no IAM user assumes this role, expected a fixed name",
		"oidc_client_id = aws\n":                               `profile "p" has no stored key and names no source of credentials`,
	} {
		_, err := Make(resolve(t, "[profile p]\n"+config+"[oidc-session s]\n", "p", nil), stored(), Options{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", config, err, want)
		}
	}
	var none *NoProviderError
	if _, err := Provider(resolve(t, "[profile p]\n", "p", nil)); !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
}

func TestExplainSignedInIdentity(t *testing.T) {
	pl, err := Make(resolve(t, "[profile p]\n"+oidc+arn, "p", nil), signedIn(provider, map[string]string{"sub": "alice@example.com"}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	pl.Explain(&text, func(int) string { return "" })
	for _, want := range []string{"session name     alice@example.com\n", "signed in as     alice@example.com\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}
