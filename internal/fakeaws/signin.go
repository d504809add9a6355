package fakeaws

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// signinLifetime is how long a sign-in token is valid.
const signinLifetime = 15 * time.Minute

// consoleSignIn implements the console's federation endpoint, with its actions getSigninToken and login.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
func (a *AWS) consoleSignIn(r *request) (any, error) {
	if r.http.Method == http.MethodPost && a.noPost {
		r.call.Code = "MethodNotAllowed"
		return page(http.StatusMethodNotAllowed, "<h1>Method Not Allowed</h1>"), nil
	}
	switch r.action {
	case "getSigninToken":
		return a.signinToken(r)
	case "login":
		return a.login(r)
	}
	return badSignIn(r, "unknown action"), nil
}

// RefusePost sets whether the console's sign-in refuses POST and accepts only GET. By default, it accepts both.
// AWS does not document whether it accepts POST.
func (a *AWS) RefusePost(refuse bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noPost = refuse
}

// signin is the control that calls RefusePost.
func signin(a *AWS, q url.Values, _ []byte) (string, error) {
	a.RefusePost(q.Get("post") == "off")
	return "", nil
}

// badSignIn returns the error response of the console's sign-in. The response is an HTML page.
func badSignIn(r *request, why string) answer {
	r.call.Code = "BadRequest"
	return page(http.StatusBadRequest, "<h1>Bad Request</h1><p>"+why+"</p>")
}

// signinToken exchanges a session's credentials for a sign-in token. Only sessions of roles and of GetFederationToken
// can be exchanged. The call may set a duration only for a role session that was not created by another role session.
func (a *AWS) signinToken(r *request) (any, error) {
	var keys struct{ SessionID, SessionKey, SessionToken string }
	if err := json.Unmarshal([]byte(r.params.Get("Session")), &keys); err != nil {
		return badSignIn(r, "Session is not JSON"), nil
	}
	s := a.sessions[keys.SessionID]
	switch {
	case s == nil || s.Secret != keys.SessionKey || s.token != keys.SessionToken:
		return badSignIn(r, "the session's credentials are not valid"), nil
	case !r.now.Before(s.expires):
		return badSignIn(r, "the session has expired"), nil
	case s.kind == userSession:
		return badSignIn(r, "sessions of GetSessionToken cannot sign in"), nil
	}
	if text := r.params.Get("SessionDuration"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 900 || n > 43200 || s.chained || s.kind != roleSession {
			return badSignIn(r, "SessionDuration is not valid for this session"), nil
		}
	}
	r.call.Caller, r.call.by = s.caller().arn, s.caller().short()
	t := "EXAMPLE-signin-token-" + a.id("")
	a.signins[t] = r.now.Add(signinLifetime)
	return map[string]string{"SigninToken": t}, nil
}

// login responds to the URL that the browser opens. If the sign-in token in the URL is valid, login redirects to the
// console. A sign-in token works once.
func (a *AWS) login(r *request) (any, error) {
	t := r.params.Get("SigninToken")
	expires, ok := a.signins[t]
	to, err := url.Parse(r.params.Get("Destination"))
	if !ok || !r.now.Before(expires) || err != nil || to.Scheme != "https" {
		return badSignIn(r, "the token or the destination is not valid"), nil
	}
	delete(a.signins, t)
	return answer{http.StatusFound, http.Header{"Location": {to.String()}}, nil}, nil
}
