package fakeaws

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// signinToken requests a sign-in token and returns the status and the token.
func signinToken(t *testing.T, a *AWS, keys aws.Credentials, duration string) (int, string) {
	t.Helper()
	text, err := json.Marshal(map[string]string{"sessionId": keys.AccessKeyID, "sessionKey": keys.SecretAccessKey, "sessionToken": keys.SessionToken})
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"Action": {"getSigninToken"}, "Session": {string(text)}}
	if duration != "" {
		query.Set("SessionDuration", duration)
	}
	status, body := get(t, a.URL()+"/federation?"+query.Encode())
	var out struct{ SigninToken string }
	if status == 200 && json.Unmarshal([]byte(body), &out) != nil {
		t.Fatalf("answer is %s", body)
	}
	return status, out.SigninToken
}

func TestSigninToken(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	role, err := assume(t, a, static(w.Key), w.ReadOnly)
	wantCode(t, err, "", "")
	hub, err := assume(t, a, static(w.Key), w.Hub, withMFA(w.MFA))
	wantCode(t, err, "", "")
	chained, err := assume(t, a, hub, w.Prod)
	wantCode(t, err, "", "")
	fed, err := federate(t, a, static(w.Key), func(in *sts.GetFederationTokenInput) { in.Policy = aws.String(everything) })
	wantCode(t, err, "", "")
	user := userSessionOf(t, a, w.Key, nil)
	wrong := role
	wrong.SecretAccessKey = "wrong"
	for _, test := range []struct {
		name, duration string
		keys           aws.Credentials
		status         int
	}{
		{"role", "", role, 200}, {"role, 12 h", "43200", role, 200}, {"role, 13 h", "46800", role, 400}, {"role, 10 min", "600", role, 400},
		{"role, an hour in words", "an hour", role, 400}, {"chained", "", chained, 200}, {"chained, 1 h", "3600", chained, 400},
		{"federated", "", fed, 200}, {"federated, 1 h", "3600", fed, 400}, {"user session", "", user, 400}, {"long-term key", "", static(w.Key), 400},
		{"wrong secret", "", wrong, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			if status, _ := signinToken(t, a, test.keys, test.duration); status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
		})
	}
	a.ExpireSessions()
	if status, _ := signinToken(t, a, role, ""); status != 400 {
		t.Errorf("status %d for an expired session", status)
	}
	for _, query := range []string{"Action=getSigninToken&Session=x", "Action=logout"} {
		if status, _ := get(t, a.URL()+"/federation?"+query); status != 400 {
			t.Errorf("%s: status %d", query, status)
		}
	}
}

func TestLogin(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	role, err := assume(t, a, static(w.Key), w.ReadOnly)
	wantCode(t, err, "", "")
	login := func(token, destination string) *http.Response {
		return noFollow(t, http.MethodGet, a.URL()+"/federation?"+url.Values{"Action": {"login"}, "Issuer": {"x"}, "Destination": {destination}, "SigninToken": {token}}.Encode(), "")
	}
	const console = "https://console.aws.amazon.com/s3"
	_, token := signinToken(t, a, role, "")
	if r := login(token, "http://example.com"); r.StatusCode != 400 {
		t.Errorf("plain http: status %d", r.StatusCode)
	}
	if r := login(token, console); r.StatusCode != 302 || r.Header.Get("Location") != console {
		t.Errorf("status %d, to %s", r.StatusCode, r.Header.Get("Location"))
	}
	if r := login(token, console); r.StatusCode != 400 {
		t.Errorf("second time: status %d", r.StatusCode)
	}
	_, token = signinToken(t, a, role, "")
	a.Advance(15 * time.Minute)
	if r := login(token, console); r.StatusCode != 400 {
		t.Errorf("late: status %d", r.StatusCode)
	}
	if c := a.Calls()[1]; c.Action != "getSigninToken" || c.String() != "getSigninToken by=role/readonly" {
		t.Errorf("call is %s", c)
	}
}
