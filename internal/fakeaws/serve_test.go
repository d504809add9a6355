package fakeaws

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzServe checks that no request causes an internal error, that XML responses are well-formed, and that every refused
// call is recorded with an error code, except calls to the OIDC service.
func FuzzServe(f *testing.F) {
	f.Add("POST", "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/x&RoleSessionName=xy&WebIdentityToken=a.b.c")
	f.Add("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15")
	f.Add("POST", "/token", `{"clientId":"x","grantType":["y",7]}`)
	f.Add("POST", "/client/register", `{"clientName":"x","clientType":"public","redirectUris":["http://[::1"]}`)
	f.Add("GET", "/authorize?client_id=x&redirect_uri=%zz", "")
	f.Add("GET", "/federation?Action=getSigninToken&Session={}", "")
	f.Add("GET", "/assignment/accounts?max_result=-1", "")
	a, err := NewAWS()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(a.Close)
	a.Example()
	f.Fuzz(func(t *testing.T, method, target, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
		if err != nil || strings.HasPrefix(r.URL.Path, "/_fake/") {
			t.Skip("not a request to AWS")
		}
		if strings.HasPrefix(body, "Action") {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		a.Reset()
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		call := a.Calls()[0]
		if call.Status != w.Code || w.Code >= 500 || w.Code >= 400 && call.Code == "" && call.Service != "oidc" {
			t.Errorf("%s %s: status %d, recorded %+v", method, target, w.Code, call)
		}
		if w.Header().Get("Content-Type") != "text/xml" {
			return
		}
		var out struct{ XMLName xml.Name }
		if err := xml.Unmarshal(w.Body.Bytes(), &out); err != nil || !strings.HasSuffix(out.XMLName.Local, "Response") {
			t.Errorf("answer %s: %v", w.Body, err)
		}
	})
}
