package fakeaws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const webRole = "arn:aws:iam::123456789012:role/web"

func newIssuer(t *testing.T, a *AWS, name string) *Issuer {
	t.Helper()
	i, err := a.AddIssuer("123456789012", name, "audience")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *Issuer) must(t *testing.T, claims map[string]any) string {
	t.Helper()
	token, err := i.Token("alice@example.com", claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func webIdentity(t *testing.T, a *AWS, token string, more ...func(*sts.AssumeRoleWithWebIdentityInput)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	t.Helper()
	in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(webRole), RoleSessionName: aws.String("alice@example.com"), WebIdentityToken: aws.String(token)}
	for _, f := range more {
		f(in)
	}
	return stsWith(a, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(), in)
}

func TestWebIdentity(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	a.AddRole(webRole, Role{Trusts: []string{i.ARN()}, Subjects: []string{"alice@example.com"}, SessionNameIsSubject: true})
	out, err := webIdentity(t, a, i.must(t, nil))
	wantCode(t, err, "", "")
	if *out.SubjectFromWebIdentityToken != "alice@example.com" || *out.Audience != "audience" || *out.Provider != i.ARN() {
		t.Errorf("answer is %+v", out)
	}
	who, err := whoami(t, a, temporary(out.Credentials))
	wantCode(t, err, "", "")
	if want := "arn:aws:sts::123456789012:assumed-role/web/alice@example.com"; who != want {
		t.Errorf("session is %s", who)
	}
	rs, err := i.TokenRS256("alice@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = webIdentity(t, a, rs)
	wantCode(t, err, "", "")
	if c := a.Calls()[0]; c.Caller != "" || c.AccessKeyID != "" || c.String() != "AssumeRoleWithWebIdentity "+webRole+" session=alice@example.com" {
		t.Errorf("call is %s by %q", c, c.Caller)
	}
}

func TestWebIdentityRefused(t *testing.T) {
	a := newAWS(t)
	i, stranger := newIssuer(t, a, "idp"), newIssuer(t, a, "stranger")
	const mfa, deaf = "arn:aws:iam::123456789012:role/mfa", "arn:aws:iam::123456789012:role/deaf"
	a.AddRole(webRole, Role{Trusts: []string{i.ARN()}, Subjects: []string{"alice@example.com"}, SessionNameIsSubject: true})
	a.AddRole(mfa, Role{Trusts: []string{i.ARN()}, RequireMFA: true})
	a.AddRole(deaf, Role{Trusts: []string{i.ARN()}, DenyTagSession: true, DenySetSourceIdentity: true})
	now := a.Now().Unix()
	good := i.must(t, nil)
	forged, err := signJWT(jwtHeader{"ES256", "ec", "JWT"}, i.claims("alice@example.com", nil), stranger.ec)
	if err != nil {
		t.Fatal(err)
	}
	unsigned, err := signJWT(jwtHeader{"none", "ec", "JWT"}, i.claims("alice@example.com", nil), i.ec)
	if err != nil {
		t.Fatal(err)
	}
	other, err := signJWT(jwtHeader{"RS256", "ec", "JWT"}, i.claims("alice@example.com", nil), i.ec)
	if err != nil {
		t.Fatal(err)
	}
	to := func(arn string) func(*sts.AssumeRoleWithWebIdentityInput) {
		return func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleArn = aws.String(arn) }
	}
	name := func(name string) func(*sts.AssumeRoleWithWebIdentityInput) {
		return func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String(name) }
	}
	tag := map[string]any{"https://aws.amazon.com/tags/principal_tags/Team": "blue"}
	keep := func(*sts.AssumeRoleWithWebIdentityInput) {}
	for _, test := range []struct {
		name, token string
		more        func(*sts.AssumeRoleWithWebIdentityInput)
		code, words string
	}{
		{"newline at the end", good + "\n", keep, "InvalidIdentityToken", "not a valid JWT"},
		{"blank in front", " " + good, keep, "InvalidIdentityToken", "not a valid JWT"},
		{"three letters", "x.y", keep, "ValidationError", "webIdentityToken"},
		{"20001 letters", strings.Repeat("x", 20001), keep, "ValidationError", "webIdentityToken"},
		{"two parts", "aaaa.bbbb", keep, "InvalidIdentityToken", "not a valid JWT"},
		{"another's signature", forged, keep, "InvalidIdentityToken", "signature"},
		{"no algorithm", unsigned, keep, "InvalidIdentityToken", "signature"},
		{"another algorithm", other, keep, "InvalidIdentityToken", "signature"},
		{"unknown issuer", i.must(t, map[string]any{"iss": "https://example.com"}), keep, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://example.com"},
		{"other scheme", i.must(t, map[string]any{"iss": strings.Replace(i.URL(), "http:", "ftp:", 1)}), keep, "InvalidIdentityToken", "No OpenIDConnect provider"},
		{"expired", i.must(t, map[string]any{"exp": now}), keep, "ExpiredTokenException", "Token expired"},
		{"no expiry", i.must(t, map[string]any{"exp": nil}), keep, "InvalidIdentityToken", "exp"},
		{"half a second", i.must(t, map[string]any{"iat": float64(now) + 0.5}), keep, "InvalidIdentityToken", "iat"},
		{"text for a time", i.must(t, map[string]any{"exp": "tomorrow"}), keep, "InvalidIdentityToken", "exp"},
		{"from the future", i.must(t, map[string]any{"iat": now + 3600}), keep, "InvalidIdentityToken", "not valid yet"},
		{"not before later", i.must(t, map[string]any{"nbf": now + 3600}), keep, "InvalidIdentityToken", "not valid yet"},
		{"no subject", i.must(t, map[string]any{"sub": nil}), keep, "InvalidIdentityToken", "sub"},
		{"other audience", i.must(t, map[string]any{"aud": []string{"else"}}), keep, "InvalidIdentityToken", "audience"},
		{"no audience", i.must(t, map[string]any{"aud": 7}), keep, "InvalidIdentityToken", "audience"},
		{"azp is the audience", i.must(t, map[string]any{"azp": "else"}), keep, "InvalidIdentityToken", "audience"},
		{"untrusted issuer", stranger.must(t, nil), keep, "AccessDenied", "sts:AssumeRoleWithWebIdentity"},
		{"other subject", i.must(t, map[string]any{"sub": "bob@example.com"}), name("bob@example.com"), "AccessDenied", ""},
		{"other session name", good, name("bob"), "AccessDenied", ""},
		{"no such role", good, to("arn:aws:iam::123456789012:role/none"), "AccessDenied", ""},
		{"role with MFA", good, to(mfa), "AccessDenied", ""},
		{"tags not allowed", i.must(t, tag), to(deaf), "AccessDenied", ""},
		{"source identity not allowed", i.must(t, map[string]any{"https://aws.amazon.com/source_identity": "alice"}), to(deaf), "AccessDenied", ""},
		{"two values", i.must(t, map[string]any{tagClaims + "/principal_tags/Team": []string{"a", "b"}}), keep, "InvalidIdentityToken", "one value"},
		{"two values, nested", i.must(t, map[string]any{tagClaims: map[string]any{"principal_tags": map[string]any{"Team": []string{}}}}), keep, "InvalidIdentityToken", "one value"},
		{"bad tag", i.must(t, map[string]any{tagClaims + "/principal_tags/Te*m": "a"}), keep, "ValidationError", "tags.member.key"},
		{"transitive without a tag", i.must(t, map[string]any{tagClaims + "/transitive_tag_keys": []string{"Team"}}), keep, "InvalidParameterValue", "transitive"},
		{"provider id", good, func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("www.amazon.com") }, "ValidationError", "ProviderId"},
		{"too long", good, func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError", "MaxSessionDuration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := webIdentity(t, a, test.token, test.more)
			wantCode(t, err, test.code, test.words)
		})
	}
}

// AWS accepts session tags in both forms that the method tags describes. It also accepts a source identity in the
// token.
func TestWebIdentityTags(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	a.AddRole(webRole, Role{Trusts: []string{i.ARN()}, RequireTags: []string{"Team"}, RequireSourceIdentity: true})
	for name, claims := range map[string]map[string]any{
		"nested": {tagClaims: map[string]any{"principal_tags": map[string]any{"Team": []string{"blue"}}, "transitive_tag_keys": []string{"Team"}}},
		"flat":   {tagClaims + "/principal_tags/Team": "blue", tagClaims + "/transitive_tag_keys": []string{"Team"}},
	} {
		t.Run(name, func(t *testing.T) {
			claims["https://aws.amazon.com/source_identity"] = "alice@example.com"
			claims["https://aws.amazon.com/roles"] = []string{webRole}
			claims["azp"], claims["aud"] = "audience", "else"
			out, err := webIdentity(t, a, i.must(t, claims))
			wantCode(t, err, "", "")
			if *out.SourceIdentity != "alice@example.com" {
				t.Errorf("source identity is %s", *out.SourceIdentity)
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			s := a.sessions[*out.Credentials.AccessKeyId]
			if !maps.Equal(s.tags, map[string]string{"Team": "blue"}) || !s.transitive["Team"] {
				t.Errorf("tags are %v, transitive %v", s.tags, s.transitive)
			}
		})
	}
}

func TestProviderOfOneself(t *testing.T) {
	a := newAWS(t)
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	arn := a.AddProvider("123456789012", "https://example.com/idp", []string{"aws"}, map[string]crypto.PublicKey{"k": &key.PublicKey})
	if want := "arn:aws:iam::123456789012:oidc-provider/example.com/idp"; arn != want {
		t.Errorf("provider is %s, want %s", arn, want)
	}
	a.AddRole(webRole, Role{Trusts: []string{arn}})
	now := a.Now()
	token, err := signJWT(jwtHeader{"ES256", "k", ""}, map[string]any{"iss": "https://example.com/idp", "sub": "s", "aud": []string{"x", "aws"}, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}, key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = webIdentity(t, a, token)
	wantCode(t, err, "", "")
}

func TestDiscovery(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	var config struct {
		Issuer  string
		JWKSURI string `json:"jwks_uri"`
	}
	status, body := get(t, i.URL()+"/.well-known/openid-configuration")
	if err := json.Unmarshal([]byte(body), &config); err != nil || status != 200 || config.Issuer != i.URL() {
		t.Fatalf("configuration is %d %s (%v)", status, body, err)
	}
	var keys struct{ Keys []map[string]string }
	if _, body = get(t, config.JWKSURI); json.Unmarshal([]byte(body), &keys) != nil || len(keys.Keys) != 2 || len(keys.Keys[0]["x"]) != 43 || len(keys.Keys[0]["y"]) != 43 {
		t.Errorf("keys are %s", body)
	}
	for _, path := range []string{"/other", "x/keys"} {
		if status, _ := get(t, i.URL()+path); status != 404 {
			t.Errorf("%s is %d", path, status)
		}
	}
}

func FuzzJWT(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	token, err := signJWT(jwtHeader{"ES256", "k", ""}, map[string]any{"sub": "s", "aud": "a"}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseJWT(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "token") {
				t.Errorf("error is not ours: %v", err)
			}
			return
		}
		if parsed.signed+"."+base64url.EncodeToString(parsed.signature) != text {
			t.Errorf("%q does not come back", text)
		}
		if text != token && parsed.signed != token[:strings.LastIndexByte(token, '.')] && parsed.verify(&key.PublicKey) == nil {
			t.Errorf("%q was never signed", text)
		}
		// These methods must not panic, whatever the claims contain.
		_ = parsed.checkTimes(noon)
		_, _ = parsed.tags()
		_ = parsed.audiences()
	})
}
