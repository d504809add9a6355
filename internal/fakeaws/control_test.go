package fakeaws

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ask sends a control request and returns the lines of the response. It fails the test unless the HTTP status
// is the argument want.
func ask(t *testing.T, a *AWS, method, path, body string, want int) []string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.URL()+"/_fake/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	status, text := send(t, r)
	if status != want {
		t.Fatalf("%s %s: %d %s, want %d", method, path, status, text, want)
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// TestControls uses the controls in the order of a typical script.
func TestControls(t *testing.T) {
	a := newAWS(t)
	key := ask(t, a, "POST", "example", "", 200)
	alice := static(Key{key[0], key[1]})
	bob := ask(t, a, "POST", "user?account=123456789012&name=bob", "", 200)
	serial := ask(t, a, "POST", "mfa?account=123456789012&name=bob&device=bob", "", 200)[0]
	const arn = "arn:aws:iam::123456789012:role/new"
	ask(t, a, "POST", "role?arn="+arn, `{"Trusts":["arn:aws:iam::123456789012:user/bob"],"RequireMFA":true,"MaxSession":"2h","MFAMaxAge":"1h"}`, 200)

	secret := ask(t, a, "GET", "secret?serial="+url.QueryEscape(serial), "", 200)[0]
	want, err := TOTP(secret, a.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, a, "GET", "code?serial="+url.QueryEscape(serial), "", 200)[0]; got != want {
		t.Errorf("code is %s, want %s", got, want)
	}
	m, err := a.deviceNamed(serial)
	if err != nil {
		t.Fatal(err)
	}
	session, err := assume(t, a, static(Key{bob[0], bob[1]}), arn, withMFA(m), lasting(2*time.Hour))
	wantCode(t, err, "", "")
	wantLine := "AssumeRole " + arn + " duration=7200 mfa=bob session=test by=user/bob"
	if got := ask(t, a, "GET", "calls", "", 200); len(got) != 1 || got[0] != wantLine {
		t.Errorf("calls are %q", got)
	}
	var call Call
	if err := json.Unmarshal([]byte(ask(t, a, "GET", "calls?format=json", "", 200)[0]), &call); err != nil || call.Params.Get("TokenCode") != want {
		t.Errorf("call is %+v (%v)", call, err)
	}
	ask(t, a, "POST", "reset", "", 200)
	if got := ask(t, a, "GET", "calls", "", 200); got[0] != "" {
		t.Errorf("calls are %q after reset", got)
	}
	ask(t, a, "POST", "expire", "", 200)
	_, err = whoami(t, a, session)
	wantCode(t, err, "ExpiredToken", "")

	ask(t, a, "POST", "fault", `{"Action":"GetCallerIdentity","Times":-1,"Code":"Odd","Delay":"1ms","Skew":"1s"}`, 200)
	_, err = whoami(t, a, alice)
	wantCode(t, err, "Odd", "")
	ask(t, a, "POST", "heal", "", 200)
	_, err = whoami(t, a, alice)
	wantCode(t, err, "", "")

	before := a.Now()
	if got := ask(t, a, "POST", "advance?by=1h", "", 200)[0]; got != stamp(before.Add(time.Hour)) {
		t.Errorf("advanced to %s", got)
	}
	if got := ask(t, a, "GET", "now", "", 200)[0]; got != stamp(before.Add(time.Hour)) {
		t.Errorf("now is %s", got)
	}
	ask(t, a, "POST", "advance?by=-1h", "", 200)

	ask(t, a, "POST", "lag?uses=1", "", 200)
	made, err := iamWith(a, alice).CreateAccessKey(t.Context(), nil)
	wantCode(t, err, "", "")
	fresh := static(Key{*made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey})
	_, err = whoami(t, a, fresh)
	wantCode(t, err, "InvalidClientTokenId", "")
}

func TestControlsOfSignIn(t *testing.T) {
	w := newSSO(t)
	at := url.QueryEscape("https://second.awsapps.com/start")
	ask(t, w.AWS, "POST", "sso?url="+at+"&region=eu-west-1&auto=1", "", 200)
	if arn := ask(t, w.AWS, "POST", "assign?url="+at+"&account=123456789012&role=Admin", "", 200)[0]; !strings.Contains(arn, "AWSReservedSSO_Admin_") {
		t.Errorf("role is %s", arn)
	}
	device := w.start(t)
	ask(t, w.AWS, "POST", "approve?user_code="+*device.UserCode, "", 200)
	token, err := w.poll(t, device.DeviceCode)
	wantCode(t, err, "", "")
	ask(t, w.AWS, "POST", "revoke?token="+*token.AccessToken, "", 200)
	_, err = w.renew(t, token.RefreshToken)
	wantCode(t, err, "InvalidGrantException", "")
	device = w.start(t)
	ask(t, w.AWS, "POST", "deny", "", 200)
	_, err = w.poll(t, device.DeviceCode)
	wantCode(t, err, "AccessDeniedException", "")

	lines := ask(t, w.AWS, "POST", "issuer?account=123456789012&name=idp&audience=aws", "", 200)
	w.AddRole(webRole, Role{Trusts: []string{lines[1]}})
	identity := ask(t, w.AWS, "POST", "identity?name=idp&sub=alice", `{"extra":true}`, 200)[0]
	_, err = webIdentity(t, w.AWS, identity)
	wantCode(t, err, "", "")
}

func TestControlsRefuse(t *testing.T) {
	a := newAWS(t)
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "nothing", "", 404}, {"GET", "reset", "", 404}, {"GET", "issuer/none/keys", "", 404},
		{"POST", "fault", "{", 400}, {"POST", "fault", `{"Colour":1}`, 400}, {"POST", "fault", `{"Delay":"soon"}`, 400},
		{"POST", "advance?by=soon", "", 400}, {"POST", "lag?uses=few", "", 400},
		{"GET", "code?serial=x", "", 400}, {"GET", "secret?serial=x", "", 400},
		{"POST", "user", "", 400}, {"POST", "mfa", "", 400}, {"POST", "role?arn=x", "{}", 400},
		{"POST", "role?arn=arn:aws:iam::123456789012:role/x", "{", 400},
		{"POST", "role?arn=arn:aws:iam::123456789012:role/x", `{"MaxSession":"long"}`, 400},
		{"POST", "sso", "", 400}, {"POST", "assign?url=x", "", 400}, {"POST", "approve", "", 400},
		{"POST", "identity?name=x", "", 400},
	} {
		ask(t, a, test.method, test.path, test.body, test.status)
	}
	ask(t, a, "POST", "issuer?account=1&name=i&audience=x", "", 200)
	ask(t, a, "POST", "identity?name=i", "{", 400)
}

// Example creates the same key and MFA device in each fake. If a user or portal exists, adding it again has no effect.
// Each new access key has a new id and a new secret.
func TestExampleIsRepeatable(t *testing.T) {
	one, two := newAWS(t), newAWS(t)
	if a, b := one.Example(), two.Example(); a.Key != b.Key || a.MFA.Secret() != b.MFA.Secret() || len(a.Key.ID) != 20 || len(a.Key.Secret) != 40 {
		t.Errorf("keys are %v and %v", a.Key, b.Key)
	}
	alice, portal := one.AddUser("123456789012", "alice"), one.AddSSO(startURL, "eu-west-1")
	if again := one.AddUser("123456789012", "alice"); again != alice {
		t.Error("alice is two")
	}
	if again := one.AddSSO(startURL+"/", "eu-west-1"); again != portal {
		t.Error("one portal is two")
	}
	seen := map[string]bool{}
	for range 100 {
		k := alice.AddKey()
		if seen[k.ID] || seen[k.Secret] {
			t.Fatalf("key %v came twice", k)
		}
		seen[k.ID], seen[k.Secret] = true, true
	}
}

// A role can be replaced. If the new role has an invalid policy, its sessions are not allowed to do anything.
func TestRoleReplaced(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	a.AddRole(w.ReadOnly, Role{Trusts: []string{w.Alice.ARN()}, Policies: []string{"{"}})
	keys, err := assume(t, a, static(w.Key), w.ReadOnly)
	wantCode(t, err, "", "")
	_, err = iamWith(a, keys).ListMFADevices(t.Context(), nil)
	wantCode(t, err, "AccessDenied", "iam:ListMFADevices")
	var none aws.Credentials
	_, err = whoami(t, a, none)
	if err == nil {
		t.Error("nobody is somebody")
	}
}
