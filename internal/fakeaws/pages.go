package fakeaws

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// challenges matches a code challenge of the method S256. https://www.rfc-editor.org/rfc/rfc7636#section-4.2
var challenges = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// buttons is the form on which the user allows or denies a sign-in. It posts decision=approve or decision=deny.
const buttons = `<form method="post"><button name="decision" value="approve">Allow</button><button name="decision" value="deny">Deny</button></form>`

// authorizePage returns the page on which the user signs in with an authorization code. If the redirect URL is not
// trusted, the page shows the error.
func (a *AWS) authorizePage(r *request) (any, error) {
	p := r.params
	c := a.sso.clients[p.Get("client_id")]
	if c == nil || !c.may(codeGrant) {
		return page(http.StatusBadRequest, "<p>invalid_client</p>"), nil
	}
	back, ok := c.redirect(p.Get("redirect_uri"))
	if !ok {
		return page(http.StatusBadRequest, "<p>invalid_redirect_uri</p>"), nil
	}
	if p.Get("response_type") != "code" || p.Get("code_challenge_method") != "S256" || !challenges.MatchString(p.Get("code_challenge")) {
		return redirect(back, p, "error", "invalid_request"), nil
	}
	for scope := range strings.FieldsSeq(p.Get("scopes")) {
		if !slices.Contains(c.scopes, scope) {
			return redirect(back, p, "error", "invalid_scope"), nil
		}
	}
	s := a.sso.portals[portalKey(c.issuer)]
	switch {
	case p.Get("decision") == "deny":
		return redirect(back, p, "error", "access_denied"), nil
	case !s.auto && p.Get("decision") != "approve":
		return page(http.StatusOK, "<h1>Allow access to your data?</h1>"+buttons), nil
	}
	code := "EXAMPLE-authorization-code-" + a.id("")
	a.sso.grants[code] = &signIn{
		client: c, portal: s, redirect: p.Get("redirect_uri"), challenge: p.Get("code_challenge"), expires: r.now.Add(signInLifetime),
	}
	return redirect(back, p, "code", code), nil
}

// redirect parses a redirect URL, and reports whether the client has registered it. Only loopback URLs are
// accepted, and their port is ignored.
// https://www.rfc-editor.org/rfc/rfc8252#section-7.3
func (c *oidcClient) redirect(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || !loopback(u) {
		return nil, false
	}
	bare := *u
	bare.Host = u.Hostname()
	if bare.Host == "::1" {
		bare.Host = "[::1]"
	}
	return u, slices.Contains(c.redirects, bare.String())
}

// redirect returns a response that sends the browser back to the client, with the parameter name=value and the client's
// state.
func redirect(back *url.URL, p url.Values, name, value string) answer {
	to := *back
	query := to.Query()
	query.Set(name, value)
	if p.Has("state") {
		query.Set("state", p.Get("state"))
	}
	to.RawQuery = query.Encode()
	return answer{http.StatusFound, http.Header{"Location": {to.String()}}, nil}
}

// devicePage returns the page on which the user types the code for a device, and allows or denies the sign-in.
func (a *AWS) devicePage(r *request) (any, error) {
	code := r.params.Get("user_code")
	for _, g := range a.sso.grants {
		if code == "" || g.userCode != code || g.decided || !r.now.Before(g.expires) {
			continue
		}
		switch r.params.Get("decision") {
		case "approve":
			g.decided, g.approved = true, true
			return page(http.StatusOK, "<h1>Request approved</h1>"), nil
		case "deny":
			g.decided = true
			return page(http.StatusOK, "<h1>Request denied</h1>"), nil
		}
		return page(http.StatusOK, "<h1>"+html.EscapeString(code)+"</h1>"+buttons), nil
	}
	return page(http.StatusBadRequest, "<p>The code is not valid.</p>"), nil
}
