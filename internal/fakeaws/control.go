package fakeaws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// controls are the requests under /_fake/ that control the fake itself. Scripts and programs that know only the fake's
// URL use them. The response is text with one item per line. If a control fails, the response has the status 400.
var controls = map[string]func(*AWS, url.Values, []byte) (string, error){
	"GET calls":     showCalls,             // format=json prints one JSON object per line
	"POST reset":    command((*AWS).Reset), // deletes the recorded calls
	"POST fault":    addFault,              // adds a fault; the body is a Fault in JSON, with durations such as "2s"
	"POST heal":     command((*AWS).Heal),  // removes all faults
	"POST advance":  advance,               // by=1h: moves the clock forward
	"GET now":       showTime,
	"GET code":      showCode,                       // serial=ARN: prints the device's current code
	"GET secret":    showSecret,                     // serial=ARN: prints the secret that the device shares with AWS
	"POST user":     addUser,                        // account=, name=: creates a user, prints a new key's id and secret
	"POST policies": setPolicies,                    // account=, name=, and a policy in JSON: limits the user at IAM
	"POST mfa":      addMFA,                         // account=, name=, device=: adds a device, prints its serial
	"POST role":     addRole,                        // arn=, and a Role in JSON: adds the role
	"POST example":  example,                        // calls Example, prints the id and secret of alice's key
	"POST expire":   command((*AWS).ExpireSessions), // makes all sessions expire
	"POST lag":      lag,                            // uses=N: each new key fails the first N times that it is used
	"POST signin":   signin,                         // post=off: the console's sign-in refuses POST
	"POST sso":      addSSO,                         // url=, region=: adds a portal; auto=1 approves its sign-ins automatically
	"POST assign":   assign,                         // url=, account=, role=: assigns the role to the portal's user
	"POST approve":  decide(true),                   // user_code=: approves the sign-in; if empty, see decide
	"POST deny":     decide(false),                  // user_code=: denies the sign-in; if empty, see decide
	"POST revoke":   revoke,                         // token=: revokes this token; if empty, all tokens
	"POST login":    setLogin,                       // arn=: who signs in with aws login; auto=1 approves sign-ins
	"POST logins":   command((*AWS).RevokeLogins),   // ends all sign-ins of aws login
	"POST anchor":   addAnchor,                      // account=, region=, CA certificates (PEM): adds an anchor, prints ARN
	"POST anywhere": addAnywhere,                    // account=, region=, AnywhereProfile in JSON: adds this profile, prints its ARN
	"POST issuer":   addIssuer,                      // account=, name=, audience=: adds an issuer, prints URL and ARN
	"POST identity": identity,                       // name=, sub=, and claims in JSON: prints a token from the issuer called name
	"POST people":   setPeople,                      // name=, and a Login in JSON: sets how users sign in at this issuer
	"POST newkeys":  rotateIssuer,                   // name=: replaces this issuer's keys, and no longer publishes the old keys
	"POST keycache": cacheKeys,                      // lasts=24h: sets how long the fake caches a provider's keys
	"POST provider": addProvider,                    // account=, url=, audience=, at=: adds an OIDC provider, prints its ARN
}

// control responds to a request under /_fake/.
func (a *AWS) control(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	if name, ok := strings.CutPrefix(path, "issuer/"); ok {
		a.openID(w, r, name, body)
		return
	}
	act, ok := controls[r.Method+" "+path]
	if !ok {
		http.Error(w, fmt.Sprintf("the fake has no control %q", r.Method+" "+path), http.StatusNotFound)
		return
	}
	out, err := act(a, r.URL.Query(), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if out != "" {
		fmt.Fprintln(w, out)
	}
}

// command returns a control that calls the function act. The control has no parameters, and its response is empty.
func command(act func(*AWS)) func(*AWS, url.Values, []byte) (string, error) {
	return func(a *AWS, _ url.Values, _ []byte) (string, error) {
		act(a)
		return "", nil
	}
}

func showTime(a *AWS, _ url.Values, _ []byte) (string, error) { return stamp(a.Now()), nil }

func showCalls(a *AWS, q url.Values, _ []byte) (string, error) {
	if q.Get("format") != "json" {
		return strings.Join(a.Actions(), "\n"), nil
	}
	var lines []string
	for _, c := range a.Calls() {
		line, err := json.Marshal(c)
		if err != nil {
			return "", fmt.Errorf("call: %w", err)
		}
		lines = append(lines, string(line))
	}
	return strings.Join(lines, "\n"), nil
}

// faultFields is the JSON form of a Fault in a control request.
type faultFields struct {
	Fault
	Delay, Skew string
	Until, Late struct{} // hide the channels Until and Late of Fault, which have no JSON form
}

func addFault(a *AWS, _ url.Values, body []byte) (string, error) {
	var f faultFields
	if err := strict(body, &f); err != nil {
		return "", fmt.Errorf("fault: %w", err)
	}
	for _, d := range []struct {
		text string
		into *time.Duration
	}{{f.Delay, &f.Fault.Delay}, {f.Skew, &f.Fault.Skew}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.into, err = time.ParseDuration(d.text); err != nil {
			return "", fmt.Errorf("fault: %w", err)
		}
	}
	a.Fail(f.Fault)
	return "", nil
}

func advance(a *AWS, q url.Values, _ []byte) (string, error) {
	by, err := time.ParseDuration(q.Get("by"))
	if err != nil {
		return "", fmt.Errorf("by: %w", err)
	}
	a.Advance(by)
	return stamp(a.Now()), nil
}

func (a *AWS) deviceNamed(serial string) (*MFA, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.devices[serial]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("no MFA device %q", serial)
}

func showCode(a *AWS, q url.Values, _ []byte) (string, error) {
	m, err := a.deviceNamed(q.Get("serial"))
	if err != nil {
		return "", err
	}
	return m.Code(), nil
}

func showSecret(a *AWS, q url.Values, _ []byte) (string, error) {
	m, err := a.deviceNamed(q.Get("serial"))
	if err != nil {
		return "", err
	}
	return m.Secret(), nil
}

func addUser(a *AWS, q url.Values, _ []byte) (string, error) {
	if q.Get("account") == "" || q.Get("name") == "" {
		return "", fmt.Errorf("user: want account and name")
	}
	k := a.AddUser(q.Get("account"), q.Get("name")).AddKey()
	return k.ID + "\n" + k.Secret, nil
}

func setPolicies(a *AWS, q url.Values, body []byte) (string, error) {
	if q.Get("account") == "" || q.Get("name") == "" {
		return "", fmt.Errorf("policies: want account and name")
	}
	if _, err := parsePolicy(string(body)); err != nil {
		return "", fmt.Errorf("policies: %w", err)
	}
	a.AddUser(q.Get("account"), q.Get("name")).SetPolicies(string(body))
	return "", nil
}

func addMFA(a *AWS, q url.Values, _ []byte) (string, error) {
	if q.Get("account") == "" || q.Get("name") == "" || q.Get("device") == "" {
		return "", fmt.Errorf("mfa: want account, name and device")
	}
	return a.AddUser(q.Get("account"), q.Get("name")).AddMFA(q.Get("device")).Serial(), nil
}

// roleFields is the JSON form of a Role in a control request.
type roleFields struct {
	Role
	MaxSession, MFAMaxAge string
}

func addRole(a *AWS, q url.Values, body []byte) (string, error) {
	if _, ok := arnFields(q.Get("arn")); !ok {
		return "", fmt.Errorf("role: %q is not an ARN", q.Get("arn"))
	}
	var f roleFields
	if err := strict(body, &f); err != nil {
		return "", fmt.Errorf("role: %w", err)
	}
	for _, d := range []struct {
		text string
		into *time.Duration
	}{{f.MaxSession, &f.Role.MaxSession}, {f.MFAMaxAge, &f.Role.MFAMaxAge}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.into, err = time.ParseDuration(d.text); err != nil {
			return "", fmt.Errorf("role: %w", err)
		}
	}
	a.AddRole(q.Get("arn"), f.Role)
	return "", nil
}

func example(a *AWS, _ url.Values, _ []byte) (string, error) {
	w := a.Example()
	return w.Key.ID + "\n" + w.Key.Secret, nil
}

func lag(a *AWS, q url.Values, _ []byte) (string, error) {
	var n int
	if _, err := fmt.Sscan(q.Get("uses"), &n); err != nil {
		return "", fmt.Errorf("uses: %w", err)
	}
	a.DelayNewKeys(n)
	return "", nil
}

func addAnchor(a *AWS, q url.Values, body []byte) (string, error) {
	return a.AddTrustAnchor(q.Get("account"), q.Get("region"), string(body))
}

func addAnywhere(a *AWS, q url.Values, body []byte) (string, error) {
	var p AnywhereProfile
	if err := strict(body, &p); err != nil {
		return "", fmt.Errorf("profile of Roles Anywhere: %w", err)
	}
	return a.AddAnywhereProfile(q.Get("account"), q.Get("region"), p), nil
}
