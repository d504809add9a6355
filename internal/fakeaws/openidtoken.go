package fakeaws

import (
	"crypto/hmac"
	"crypto/sha256"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// oauthRefusal returns an OAuth error response. https://www.rfc-editor.org/rfc/rfc6749#section-5.2
func oauthRefusal(r *request, status int, code, why string) answer {
	r.call.Code = code
	return object(status, map[string]any{"error": code, "error_description": why})
}

// checkClient checks the client id of a call and, if the client has a secret, the secret.
func (i *Issuer) checkClient(r *request) *answer {
	id, secret := r.params.Get("client_id"), r.params.Get("client_secret")
	if user, password, basic := r.http.BasicAuth(); basic {
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(password)
	}
	if id != i.audience || !hmac.Equal([]byte(secret), []byte(i.people.Secret)) {
		no := oauthRefusal(r, http.StatusUnauthorized, "invalid_client", "unknown client id or wrong secret")
		return &no
	}
	return nil
}

// token exchanges a grant (an authorization code, a device code or a refresh token) for tokens.
func (i *Issuer) token(r *request) answer {
	if no := i.checkClient(r); no != nil {
		return *no
	}
	take := map[string]func(*Issuer, *request) (*login, *answer){
		codeGrant: (*Issuer).loginOfCode, deviceGrant: (*Issuer).loginOfDevice, refreshGrant: (*Issuer).loginOfRefresh,
	}[r.params.Get("grant_type")]
	if take == nil {
		return oauthRefusal(r, http.StatusBadRequest, "unsupported_grant_type", "no such grant")
	}
	g, no := take(i, r)
	if no != nil {
		return *no
	}
	return i.tokens(r, g)
}

// tokens returns the response with the tokens of a sign-in.
func (i *Issuer) tokens(r *request, g *login) answer {
	l, again := i.people, r.params.Get("grant_type") == refreshGrant
	out := map[string]any{"access_token": "EXAMPLE-openid-access-" + i.aws.id(""), "token_type": "Bearer", "expires_in": 3600}
	if slices.Contains(g.scopes, "offline_access") && !l.NoRefresh && !(again && l.KeepRefresh) {
		token := "EXAMPLE-openid-refresh-" + i.aws.id("")
		i.desk.refresh[token] = g
		out["refresh_token"] = token
	}
	if again && l.NoIDAgain {
		return object(http.StatusOK, out)
	}
	claims := map[string]any{}
	if g.nonce != "" && !again {
		claims["nonce"] = g.nonce
	}
	if l.Lasts > 0 {
		claims["exp"] = r.now.Add(time.Duration(l.Lasts) * time.Second).Unix()
	}
	maps.Copy(claims, l.Claims)
	subject := l.Subject
	if again && l.SubjectAgain != "" {
		subject = l.SubjectAgain
	}
	algorithm := "ES256"
	if l.RSA {
		algorithm = "RS256"
	}
	token, err := i.sign(algorithm, i.claims(subject, claims))
	if err != nil {
		return oauthRefusal(r, http.StatusInternalServerError, "server_error", err.Error())
	}
	out["id_token"] = token
	return object(http.StatusOK, out)
}

// loginOfCode returns the sign-in of an authorization code. A code works once, and only for the client that started the
// sign-in.
func (i *Issuer) loginOfCode(r *request) (*login, *answer) {
	code := r.params.Get("code")
	g := i.desk.grants[code]
	delete(i.desk.grants, code)
	sum := sha256.Sum256([]byte(r.params.Get("code_verifier")))
	if g == nil || g.userCode != "" || !r.now.Before(g.expires) || base64url.EncodeToString(sum[:]) != g.challenge || r.params.Get("redirect_uri") != g.redirect {
		no := oauthRefusal(r, http.StatusBadRequest, "invalid_grant", "the code is not valid: "+code)
		return nil, &no
	}
	return g, nil
}

// loginOfDevice returns the sign-in of a device code, if it is approved.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
func (i *Issuer) loginOfDevice(r *request) (*login, *answer) {
	refuse := func(code string) (*login, *answer) {
		no := oauthRefusal(r, http.StatusBadRequest, code, "")
		return nil, &no
	}
	code := r.params.Get("device_code")
	g := i.desk.grants[code]
	if g == nil || g.userCode == "" {
		return refuse("invalid_grant")
	}
	last := g.polled
	g.polled = r.now
	switch {
	case !r.now.Before(g.expires):
		return refuse("expired_token")
	case i.people.Deny, g.decided && !g.approved:
		return refuse("access_denied")
	case !last.IsZero() && r.now.Sub(last) < time.Second:
		return refuse("slow_down")
	case !g.decided && !i.people.Auto:
		return refuse("authorization_pending")
	}
	delete(i.desk.grants, code)
	return g, nil
}

// loginOfRefresh returns the sign-in of a refresh token. Unless KeepRefresh is set, each refresh token works once.
func (i *Issuer) loginOfRefresh(r *request) (*login, *answer) {
	token := r.params.Get("refresh_token")
	g := i.desk.refresh[token]
	if g == nil {
		no := oauthRefusal(r, http.StatusBadRequest, "invalid_grant", "the refresh token is not valid: "+token)
		return nil, &no
	}
	if !i.people.KeepRefresh {
		delete(i.desk.refresh, token)
	}
	return g, nil
}

// revoke revokes a refresh token. https://www.rfc-editor.org/rfc/rfc7009
func (i *Issuer) revoke(r *request) answer {
	if no := i.checkClient(r); no != nil {
		return *no
	}
	delete(i.desk.refresh, r.params.Get("token"))
	return answer{status: http.StatusOK}
}
