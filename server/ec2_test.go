package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func ec2On(addr string) *EC2 {
	return &EC2{
		Filter: Filter{Hosts: append(hosts(addr), "169.254.169.254")},
		Cache:  fixedCache("ASIAIOSFODNN7EXAMPLE"), Region: "eu-west-1", Tokens: NewTokens(time.Now),
	}
}

func startEC2(t *testing.T, change func(*EC2)) *testServer {
	return startServer(t, func(addr string) http.Handler {
		e := ec2On(addr)
		if change != nil {
			change(e)
		}
		return e
	}, Server{})
}

func TestEC2Responses(t *testing.T) {
	r := startEC2(t, nil)
	status, header, token := r.request("PUT", tokenPath, lifetimeHeader, "21600")
	if status != 200 || header.Get(lifetimeHeader) != "21600" || token == "" || strings.TrimSpace(token) != token {
		t.Fatalf("PUT: %d %v %q", status, header, token)
	}
	for _, c := range []struct{ path, want string }{
		{"/", "latest/"},
		{"/latest/", "dynamic/\nmeta-data/"},
		{"/latest/dynamic/", "instance-identity/"},
		{"/latest/dynamic/instance-identity/", "document"},
		{"/latest/meta-data/", "iam/\ninstance-id\nplacement/"},
		{"/latest/meta-data/iam/", "info\nsecurity-credentials/"},
		{"/latest/meta-data/iam/security-credentials/", "local-credentials"},
		{"/latest/meta-data/iam/security-credentials", "local-credentials"},
		{"/latest/meta-data/placement", "availability-zone\nregion"},
		{"/latest/meta-data/placement/region", "eu-west-1"},
		{"/latest/meta-data/placement/region/", "eu-west-1"},
		{"/latest/meta-data/placement/availability-zone", "eu-west-1a"},
		{"/latest/meta-data/placement/availability-zone/", "eu-west-1a"},
		{"/latest/meta-data/instance-id", "aws-vault"},
		{"/latest/meta-data/instance-id/", "aws-vault"},
	} {
		if status, _, text := r.request("GET", c.path, tokenHeader, token); status != 200 || text != c.want {
			t.Errorf("GET %s: %d %q, want %q", c.path, status, text, c.want)
		}
	}
	for _, slash := range []string{"", "/"} {
		status, header, text := r.request("GET", credentialsPath+"/local-credentials"+slash, tokenHeader, token)
		var have map[string]string
		if err := json.Unmarshal([]byte(text), &have); err != nil || status != 200 || header.Get("Content-Type") != "application/json" {
			t.Fatalf("the response is %d %v %s: %v", status, header, text, err)
		}
		if _, err := time.Parse("2006-01-02T15:04:05Z", have["LastUpdated"]); err != nil {
			t.Error(err)
		}
		delete(have, "LastUpdated")
		for name, want := range map[string]string{
			"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "Token": "EXAMPLETOKEN+/=",
			"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Expiration": "2100-01-02T02:04:05Z",
			"AccountId": "123456789012",
		} {
			if have[name] != want {
				t.Errorf("%s is %q, want %q", name, have[name], want)
			}
			delete(have, name)
		}
		if len(have) != 0 {
			t.Errorf("unexpected fields: %v", have)
		}
	}
	var document struct{ AccountID, Region, AvailabilityZone, InstanceID, Version string }
	if _, _, text := r.request("GET", identityPath, tokenHeader, token); json.Unmarshal([]byte(text), &document) != nil ||
		document.AccountID != "123456789012" || document.Region != "eu-west-1" || document.AvailabilityZone != "eu-west-1a" {
		t.Errorf("identity document: %s", text)
	}
	var info struct{ Code, LastUpdated string }
	if _, _, text := r.request("GET", "/latest/meta-data/iam/info", tokenHeader, token); json.Unmarshal([]byte(text), &info) != nil || info.Code != "Success" {
		t.Errorf("info: %s", text)
	}
	for _, path := range []string{"/latest/meta-data/x", "/latest/user-data", credentialsPath + "/other", "/1.0/meta-data"} {
		if status, _, _ := r.request("GET", path, tokenHeader, token); status != 404 {
			t.Errorf("GET %s: %d", path, status)
		}
	}
}

func TestEC2WithoutRegion(t *testing.T) {
	r := startEC2(t, func(e *EC2) { e.Region, e.V1 = "", true })
	for _, path := range []string{"region", "availability-zone", ""} {
		if status, _, text := r.request("GET", "/latest/meta-data/placement/"+path); status != 404 {
			t.Errorf("GET %s: %d %q, want 404", path, status, text)
		}
	}
	if _, _, text := r.request("GET", identityPath); strings.Contains(strings.ToLower(text), "region") || strings.Contains(text, "Zone") {
		t.Error(text)
	}
}

func TestEC2Tokens(t *testing.T) {
	now := time.Now()
	r := startEC2(t, func(e *EC2) { e.Tokens = NewTokens(func() time.Time { return now }) })
	path := credentialsPath + "/local-credentials"
	if status, _, _ := r.request("GET", path); status != 401 {
		t.Errorf("without a token, the status is %d", status)
	}
	for _, lifetime := range []string{"", "0", "-1", "21601", "1h", "99999999999999999999"} {
		if status, _, _ := r.request("PUT", tokenPath, lifetimeHeader, lifetime); status != 400 {
			t.Errorf("a token for %q seconds: %d", lifetime, status)
		}
	}
	if status, _, _ := r.request("PUT", tokenPath); status != 400 {
		t.Errorf("a token without a lifetime: %d", status)
	}
	for _, method := range []string{"GET", "POST", "DELETE"} {
		if status, header, _ := r.request(method, tokenPath, lifetimeHeader, "60"); status != 405 || header.Get("Allow") != "PUT" {
			t.Errorf("%s of a token: %d", method, status)
		}
	}
	_, _, token := r.request("PUT", tokenPath, lifetimeHeader, "60")
	_, _, second := r.request("PUT", tokenPath+"/", lifetimeHeader, "1")
	_, _, foreign := startEC2(t, nil).request("PUT", tokenPath, lifetimeHeader, "60")
	if token == second {
		t.Error("two tokens are equal")
	}
	if status, _, _ := r.request("GET", path, tokenHeader, token); status != 200 {
		t.Errorf("with a token: %d", status)
	}
	flipped := []byte(token)
	flipped[2] ^= 1
	for _, bad := range []string{"", "x", string(flipped), token[1:], token + "A", token + "=", foreign} {
		if status, _, _ := r.request("GET", path, tokenHeader, bad); status != 401 {
			t.Errorf("token %q: %d", bad, status)
		}
	}
	now = now.Add(2 * time.Second)
	if status, _, _ := r.request("GET", path, tokenHeader, second); status != 401 {
		t.Errorf("with an expired token, the status is %d", status)
	}
	if status, _, _ := r.request("GET", path, tokenHeader, token); status != 200 {
		t.Errorf("with a valid token, the status is %d", status)
	}
}

func TestEC2Version1(t *testing.T) {
	r := startEC2(t, func(e *EC2) { e.V1 = true })
	if status, _, _ := r.request("GET", credentialsPath+"/local-credentials"); status != 200 {
		t.Errorf("without a token: %d", status)
	}
	if status, _, _ := r.request("GET", credentialsPath+"/local-credentials", tokenHeader, "x"); status != 401 {
		t.Errorf("with a wrong token: %d", status)
	}
}

func TestEC2Errors(t *testing.T) {
	full := errors.New("disk full")
	r := startEC2(t, func(e *EC2) {
		e.V1, e.Cache = true, failingCache(errors.New("sign in first"))
		e.Explain = func(err error) Refusal { return Refusal{http.StatusForbidden, "LoginRequired", err.Error()} }
	})
	for _, path := range []string{credentialsPath + "/local-credentials", "/latest/meta-data/iam/info"} {
		status, _, text := r.request("GET", path)
		var have struct{ Code, Message, LastUpdated string }
		if err := json.Unmarshal([]byte(text), &have); err != nil || status != 403 || have.Code != "LoginRequired" || have.Message != "sign in first" || have.LastUpdated == "" {
			t.Errorf("GET %s: %d %s, want the error of Create", path, status, text)
		}
	}
	seen := 0
	r = startEC2(t, func(e *EC2) {
		e.V1 = true
		e.Audit = func(h AuditEvent) error {
			seen++
			return full
		}
	})
	if status, _, text := r.request("GET", credentialsPath+"/local-credentials"); status != 500 || strings.Contains(text, "ASIA") || seen != 1 {
		t.Errorf("if the audit fails: %d %s", status, text)
	}
}

func FuzzToken(f *testing.F) {
	tokens := NewTokens(func() time.Time { return time.Unix(1e9, 0) })
	good := tokens.issue(time.Minute)
	f.Add(good)
	f.Add("")
	f.Add(strings.Repeat("A", len(good)))
	f.Fuzz(func(t *testing.T, text string) {
		if tokens.valid(text) != (text == good) {
			t.Errorf("token %q is valid: %v", text, tokens.valid(text))
		}
	})
}
