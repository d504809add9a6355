package fakeaws

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Login describes how users sign in at an issuer of this fake. The issuer is a full OIDC provider. With the zero Login,
// no user can sign in.
type Login struct {
	Subject string         // the user who signs in; if empty, no user can sign in
	Claims  map[string]any // replace the usual claims of ID tokens; a null value removes a claim
	Secret  string         // the client's secret; empty for a public client. The client id is the issuer's audience
	Auto    bool           // sign-ins are approved automatically
	Deny    bool           // sign-ins are denied automatically
	RSA     bool           // tokens are signed with RS256; otherwise with ES256
	Lasts   int            // lifetime of an ID token in seconds; 0 means an hour
	Ports   []int          // ports that a redirect URL may have; nil means any port

	NoRefresh       bool // a sign-in returns no refresh token
	KeepRefresh     bool // a refresh token can be used many times
	NoIDAgain       bool // a refresh returns no ID token
	SubjectAgain    string
	NoDevice        bool // the device grant is not supported
	NoRevocation    bool
	SilentOnItself  bool   // the redirect to the client does not contain the issuer
	OtherIssuer     string // the redirect to the client contains this wrong issuer
	OtherDiscovered string // the configuration contains this wrong issuer
}

// issuerState has an issuer's sign-ins and refresh tokens.
type issuerState struct {
	grants  map[string]*login // the sign-ins by authorization code or device code
	refresh map[string]*login
}

func newLoginBook() issuerState { return issuerState{map[string]*login{}, map[string]*login{}} }

// login is one sign-in at an issuer.
type login struct {
	redirect, challenge, nonce string
	scopes                     []string
	userCode                   string // the code that the user types on another device
	expires, polled            time.Time
	decided, approved          bool
}

// People sets who signs in at the issuer, and how the issuer behaves.
func (i *Issuer) People(l Login) {
	i.aws.mu.Lock()
	defer i.aws.mu.Unlock()
	i.people = l
}

// EndLogins makes the issuer reject all refresh tokens that it has issued.
func (i *Issuer) EndLogins() {
	i.aws.mu.Lock()
	defer i.aws.mu.Unlock()
	clear(i.desk.refresh)
}

func setPeople(a *AWS, q url.Values, body []byte) (string, error) {
	i := a.issuerNamed(q.Get("name"))
	if i == nil {
		return "", fmt.Errorf("no issuer %q", q.Get("name"))
	}
	var l Login
	if err := strict(body, &l); err != nil {
		return "", fmt.Errorf("login: %w", err)
	}
	i.People(l)
	return "", nil
}

func rotateIssuer(a *AWS, q url.Values, _ []byte) (string, error) {
	i := a.issuerNamed(q.Get("name"))
	if i == nil {
		return "", fmt.Errorf("no issuer %q", q.Get("name"))
	}
	return "", i.Rotate()
}

func addProvider(a *AWS, q url.Values, _ []byte) (string, error) {
	if q.Get("account") == "" || q.Get("url") == "" || q.Get("audience") == "" {
		return "", fmt.Errorf("provider: want account, url and audience")
	}
	at := q.Get("at")
	if at == "" {
		at = q.Get("url")
	}
	return a.AddProviderAt(q.Get("account"), q.Get("url"), at, []string{q.Get("audience")}), nil
}

// openIDEndpoints are the endpoints of an issuer. The field action is the name under which calls to the endpoint
// are recorded.
var openIDEndpoints = map[string]struct {
	action string
	run    func(*Issuer, *request) answer
}{
	"authorize": {"OpenIDAuthorize", (*Issuer).authorize},
	"device":    {"OpenIDDevicePage", (*Issuer).devicePage},
	"code":      {"OpenIDDevice", (*Issuer).deviceCode},
	"token":     {"OpenIDToken", (*Issuer).token},
	"revoke":    {"OpenIDRevoke", (*Issuer).revoke},
}

// openID responds to a request to one of the fake's issuers.
func (a *AWS) openID(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	name, document, _ := strings.Cut(path, "/")
	i := a.issuerNamed(name)
	if i == nil {
		http.Error(w, "no such issuer", http.StatusNotFound)
		return
	}
	endpoint, ok := openIDEndpoints[document]
	req := &request{http: r, body: body, params: r.URL.Query(), service: "openid", action: endpoint.action, call: &Call{}}
	if !ok {
		req.action = openIDDocuments[document]
	}
	if req.action == "" {
		http.Error(w, "no such document", http.StatusNotFound)
		return
	}
	fromForm(req.params, r, body)
	a.mu.Lock()
	f := a.faultNamed(req.action)
	req.now = a.now()
	if ok {
		a.record(req)
	}
	a.mu.Unlock()
	if !a.wait(f, r) || f.Hangup {
		a.hangup(w, req)
		return
	}
	out := i.answer(req, document, f)
	if !a.waitLate(f, r) || f.AnswerLost {
		a.hangup(w, req)
		return
	}
	maps.Copy(w.Header(), out.header)
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // an error is ignored: it means that the client has disconnected
}

// openIDDocuments maps each of the issuer's files to an action. Only a fault whose Action is this action affects
// the file. A fault with an empty Action does not affect files, because AWS must still be able to fetch them.
var openIDDocuments = map[string]string{"keys": "OpenIDKeys", ".well-known/openid-configuration": "OpenIDConfiguration"}

// answer responds to a call to the issuer. If the fault has a status, answer refuses the call with that status.
func (i *Issuer) answer(r *request, document string, f Fault) answer {
	i.aws.mu.Lock()
	defer i.aws.mu.Unlock()
	out, _ := i.document(document)
	switch endpoint, ok := openIDEndpoints[document]; {
	case f.Status != 0:
		out = oauthRefusal(r, f.Status, "temporarily_unavailable", "")
	case ok:
		out = endpoint.run(i, r)
	}
	r.call.Status = out.status
	if f.TruncateXML {
		out.body = out.body[:len(out.body)/2]
	}
	return out
}

// document returns one of the issuer's files: its configuration or its public keys.
// https://openid.net/specs/openid-connect-discovery-1_0.html
func (i *Issuer) document(name string) (answer, bool) {
	switch name {
	case "keys":
		return object(http.StatusOK, map[string]any{"keys": i.jwks()}), true
	case ".well-known/openid-configuration":
		l := i.people
		out := map[string]any{
			"issuer": i.url, "jwks_uri": i.url + "/keys", "response_types_supported": []string{"code", "id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256", "RS256"},
			"authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token",
			"scopes_supported": []string{"openid", "email", "offline_access"},
		}
		if !l.NoDevice {
			out["device_authorization_endpoint"] = i.url + "/code"
		}
		if !l.NoRevocation {
			out["revocation_endpoint"] = i.url + "/revoke"
		}
		if !l.SilentOnItself {
			out["authorization_response_iss_parameter_supported"] = true
		}
		if l.OtherDiscovered != "" {
			out["issuer"] = l.OtherDiscovered
		}
		return object(http.StatusOK, out), true
	}
	return answer{}, false
}

func object(status int, fields map[string]any) answer {
	out := answer{status: status, header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}}
	out.body, _ = json.Marshal(fields) // flat maps can always be encoded
	return out
}

// authorize returns the page on which the user signs in. If the redirect URL is not trusted, the page shows the error.
func (i *Issuer) authorize(r *request) answer {
	p, l := r.params, i.people
	back, err := url.Parse(p.Get("redirect_uri"))
	if p.Get("client_id") != i.audience || err != nil || back.Scheme != "http" || back.Hostname() != "127.0.0.1" || !l.registered(back) {
		return page(http.StatusBadRequest, "<p>invalid_client</p>")
	}
	if !l.SilentOnItself {
		query := back.Query()
		query.Set("iss", i.url)
		if l.OtherIssuer != "" {
			query.Set("iss", l.OtherIssuer)
		}
		back.RawQuery = query.Encode()
	}
	scopes := strings.Fields(p.Get("scope"))
	decision := p.Get("decision")
	switch {
	case p.Get("response_type") != "code", p.Get("code_challenge_method") != "S256", !challenges.MatchString(p.Get("code_challenge")), p.Get("nonce") == "":
		return redirect(back, p, "error", "invalid_request")
	case !slices.Contains(scopes, "openid"):
		return redirect(back, p, "error", "invalid_scope")
	case l.Deny, decision == "deny", l.Subject == "":
		return redirect(back, p, "error", "access_denied")
	case !l.Auto && decision != "approve":
		return page(http.StatusOK, "<h1>Sign in?</h1>"+buttons)
	}
	code := "EXAMPLE-openid-code-" + i.aws.id("")
	i.desk.grants[code] = &login{
		redirect: p.Get("redirect_uri"), challenge: p.Get("code_challenge"), nonce: p.Get("nonce"), scopes: scopes, expires: r.now.Add(time.Minute),
	}
	return redirect(back, p, "code", code)
}

func (l Login) registered(back *url.URL) bool {
	return len(l.Ports) == 0 || slices.ContainsFunc(l.Ports, func(port int) bool { return fmt.Sprint(port) == back.Port() })
}

// deviceCode starts a sign-in that the user completes on another device.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.1
func (i *Issuer) deviceCode(r *request) answer {
	if no := i.checkClient(r); no != nil {
		return *no
	}
	id := i.aws.id("")
	g := &login{userCode: id[1:5] + "-" + id[5:9], scopes: strings.Fields(r.params.Get("scope")), expires: r.now.Add(signInLifetime)}
	code := "EXAMPLE-openid-device-" + id
	i.desk.grants[code] = g
	return object(http.StatusOK, map[string]any{
		"device_code": code, "user_code": g.userCode, "verification_uri": i.url + "/device",
		"verification_uri_complete": i.url + "/device?user_code=" + g.userCode, "expires_in": int(signInLifetime / time.Second), "interval": 1,
	})
}

// devicePage returns the page on which the user types the code for a device, and allows or denies the sign-in.
func (i *Issuer) devicePage(r *request) answer {
	code := r.params.Get("user_code")
	for _, g := range i.desk.grants {
		if code == "" || g.userCode != code || g.decided || !r.now.Before(g.expires) {
			continue
		}
		switch r.params.Get("decision") {
		case "approve", "deny":
			g.decided, g.approved = true, r.params.Get("decision") == "approve"
			return page(http.StatusOK, "<h1>Thank you</h1>")
		}
		return page(http.StatusOK, "<h1>"+html.EscapeString(code)+"</h1>"+buttons)
	}
	return page(http.StatusBadRequest, "<p>The code is not valid.</p>")
}

// decideLogins approves or denies the waiting sign-in with the given code, or all waiting sign-ins if code is empty. It
// returns false if there was no such sign-in.
func (a *AWS) decideLogins(code string, approve bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := false
	for _, p := range a.issuers {
		if p.issuer == nil {
			continue
		}
		for _, g := range p.issuer.desk.grants {
			if g.userCode != "" && !g.decided && (code == "" || g.userCode == code) {
				g.decided, g.approved, found = true, approve, true
			}
		}
	}
	return found
}
