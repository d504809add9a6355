package fakeaws

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// sameDevice and crossDevice are the client ids of the programs that can sign users in with aws login.
const (
	sameDevice  = "arn:aws:signin:::devtools/same-device"
	crossDevice = "arn:aws:signin:::devtools/cross-device"

	confirmationPath = "/v1/sessions/confirmation"

	loginLifetime = 12 * time.Hour
	loginMinutes  = 15 * time.Minute // the lifetime of the credentials, unless SetLoginLifetime changes it
)

// loginState is the state of aws login. All its sign-ins are for the same user or role.
type loginState struct {
	person  string // ARN of the user or role that signs in
	auto    bool
	codes   map[string]*loginGrant // the sign-ins by authorization code
	refresh map[string]*loginGrant // the sign-ins by refresh token
	lasts   time.Duration          // the lifetime of the credentials
	proofs  map[string]bool        // the ids of the DPoP proofs that were used
}

// loginGrant is a sign-in. Until its authorization code is exchanged for tokens, loginState.codes contains it.
// After that, loginState.refresh contains it.
type loginGrant struct {
	client, challenge, redirect string
	person                      string
	key                         string // thumbprint of the key to which the tokens are bound
	expires                     time.Time
}

func newLoginDesk() *loginState {
	return &loginState{codes: map[string]*loginGrant{}, refresh: map[string]*loginGrant{}, lasts: loginMinutes, proofs: map[string]bool{}}
}

// SetLogin sets the user or role that signs in with aws login. If auto is true, sign-ins are approved automatically.
// Otherwise the sign-in page waits until the user approves the sign-in.
func (a *AWS) SetLogin(arn string, auto bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins.person, a.logins.auto = arn, auto
}

// SetLoginLifetime sets the lifetime of the credentials that aws login returns from now on.
func (a *AWS) SetLoginLifetime(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins.lasts = d
}

// RevokeLogins ends all sign-ins of aws login, as AWS does when the user changes their password.
func (a *AWS) RevokeLogins() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.logins.refresh)
}

func setLogin(a *AWS, q url.Values, _ []byte) (string, error) {
	if _, ok := arnFields(q.Get("arn")); !ok {
		return "", fmt.Errorf("login: %q is not an ARN", q.Get("arn"))
	}
	a.SetLogin(q.Get("arn"), q.Get("auto") != "")
	return "", nil
}

// loginPage returns the page on which the user signs in.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
func (a *AWS) loginPage(r *request) (any, error) {
	p := r.params
	back, err := url.Parse(p.Get("redirect_uri"))
	remote := p.Get("redirect_uri") == a.url+confirmationPath
	switch {
	case err != nil || !remote && (back.Scheme != "http" || back.Hostname() != "127.0.0.1" || back.Path != "/oauth/callback"):
		return page(http.StatusBadRequest, "<p>invalid_redirect_uri</p>"), nil
	case remote != (p.Get("client_id") == crossDevice), !remote && p.Get("client_id") != sameDevice:
		return page(http.StatusBadRequest, "<p>invalid_client</p>"), nil
	case p.Get("response_type") != "code", p.Get("code_challenge_method") != "SHA-256", !challenges.MatchString(p.Get("code_challenge")), p.Get("scope") != "openid":
		return redirect(back, p, "error", "invalid_request"), nil
	case p.Get("decision") == "deny":
		return redirect(back, p, "error", "access_denied"), nil
	case !a.logins.auto && p.Get("decision") != "approve":
		return page(http.StatusOK, "<h1>Continue with this session?</h1>"+buttons), nil
	}
	code := "EXAMPLE-login-code-" + a.id("")
	a.logins.codes[code] = &loginGrant{
		client: p.Get("client_id"), challenge: p.Get("code_challenge"), redirect: p.Get("redirect_uri"),
		person: a.logins.person, expires: r.now.Add(signInLifetime),
	}
	return redirect(back, p, "code", code), nil
}

// confirmationPage returns the page with the code that the user must type into the program.
func (a *AWS) confirmationPage(r *request) (any, error) {
	text := url.Values{"state": r.params["state"], "code": r.params["code"]}.Encode()
	return page(http.StatusOK, "<h1>Copy this code</h1><code>"+base64.StdEncoding.EncodeToString([]byte(text))+"</code>"), nil
}

// loginRefused returns AWS's AccessDeniedException. The reason is a more specific error code, such as TOKEN_EXPIRED.
func loginRefused(reason string) *refusal {
	no := refuse(401, "AccessDeniedException", "Access denied: %s", reason)
	no.reason = reason
	return no
}

// loginToken implements CreateOAuth2Token. The client must prove that it has the key to which the tokens are bound.
func (a *AWS) loginToken(r *request) (any, error) {
	key, err := a.proofKey(r)
	late := errors.Is(err, errProofTime)
	if err != nil && !late {
		return nil, refuse(400, "ValidationException", "DPoP: %v", err)
	}
	var body struct{ ClientID, GrantType, Code, CodeVerifier, RedirectURI, RefreshToken string }
	if err := json.Unmarshal(r.body, &body); err != nil {
		return nil, refuse(400, "ValidationException", "The body is not JSON")
	}
	var g *loginGrant
	switch {
	case late && body.GrantType == codeGrant:
		return nil, loginRefused("AUTHCODE_EXPIRED")
	case late:
		return nil, loginRefused("TOKEN_EXPIRED")
	}
	switch body.GrantType {
	case codeGrant:
		g, err = a.fromLoginCode(r, body.Code, body.CodeVerifier, body.RedirectURI)
	case refreshGrant:
		g, err = a.fromLoginRefresh(r, body.RefreshToken, key)
	default:
		err = refuse(400, "ValidationException", "grantType is %q", body.GrantType)
	}
	if err != nil {
		return nil, err
	}
	if g.client != body.ClientID {
		return nil, refuse(400, "ValidationException", "The client id does not match the sign-in")
	}
	return a.loginAnswer(r, g, key)
}

func (a *AWS) fromLoginCode(r *request, code, verifier, redirect string) (*loginGrant, error) {
	g := a.logins.codes[code]
	delete(a.logins.codes, code)
	sum := sha256.Sum256([]byte(verifier))
	switch {
	case g == nil || !r.now.Before(g.expires):
		return nil, loginRefused("AUTHCODE_EXPIRED")
	case base64url.EncodeToString(sum[:]) != g.challenge || redirect != g.redirect:
		return nil, refuse(400, "ValidationException", "The code verifier or the redirect URI does not match")
	}
	g.expires = r.now.Add(loginLifetime)
	return g, nil
}

func (a *AWS) fromLoginRefresh(r *request, token, key string) (*loginGrant, error) {
	g := a.logins.refresh[token]
	switch {
	case g == nil:
		return nil, loginRefused("USER_CREDENTIALS_CHANGED")
	case !r.now.Before(g.expires):
		return nil, loginRefused("TOKEN_EXPIRED")
	case g.key != key:
		return nil, refuse(400, "ValidationException", "DPoP: the key differs from the key of the tokens")
	}
	delete(a.logins.refresh, token)
	return g, nil
}

func (a *AWS) loginAnswer(r *request, g *loginGrant, key string) (any, error) {
	s := session{kind: userSession}
	if s.user = a.users[g.person]; s.user == nil {
		if a.roles[g.person] == nil {
			return nil, loginRefused("INSUFFICIENT_PERMISSIONS")
		}
		s = session{kind: roleSession, role: a.roles[g.person], name: "alice"}
	}
	made := a.issue(s, r.now, a.logins.lasts)
	next := *g
	next.key = key
	refresh := "EXAMPLE-login-refresh-" + a.id("")
	a.logins.refresh[refresh] = &next
	claims, err := json.Marshal(map[string]any{"sub": made.caller().arn, "iss": a.url, "iat": r.now.Unix()})
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"accessToken": map[string]string{"accessKeyId": made.ID, "secretAccessKey": made.Secret, "sessionToken": made.token},
		"tokenType":   "aws_sigv4", "expiresIn": int(a.logins.lasts / time.Second), "refreshToken": refresh,
		"idToken": base64url.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64url.EncodeToString(claims) + ".",
	}, nil
}

// proofAge is the largest accepted difference between the time in a DPoP proof and the fake's clock. It is not documented. AWS
// refuses a difference of half a minute, and reports that the code or the token has expired.
// https://github.com/aws/aws-cli/issues/10330
const proofAge = 20 * time.Second

var errProofTime = errors.New("iat differs from the current time by more than 20 s")

// proofKey verifies the DPoP proof of a call and returns the thumbprint of the proof's key.
// https://www.rfc-editor.org/rfc/rfc9449#section-4.3
func (a *AWS) proofKey(r *request) (string, error) {
	p, err := parseProof(r.http.Header.Get("Dpop"))
	if err != nil {
		return "", err
	}
	switch {
	case p.method != http.MethodPost:
		return "", fmt.Errorf("htm is %q", p.method)
	case p.url != a.url+r.http.URL.Path:
		return "", fmt.Errorf("htu is %q", p.url)
	case p.id == "" || a.logins.proofs[p.id]:
		return "", errors.New("jti was used before")
	case r.now.Sub(p.at).Abs() > proofAge:
		return "", errProofTime
	}
	a.logins.proofs[p.id] = true
	return p.thumbprint, nil
}
