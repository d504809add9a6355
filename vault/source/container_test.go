package source

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// container returns a step that reads credentials from the server n. It sets the environment variables that point to n.
func (r *fixture) container(n *metadataServer, more ...string) plan.Step {
	r.Getenv = env(append([]string{containerURL, n.URL + "/creds?role=a"}, more...)...)
	r.addSecret("EXAMPLESECRET")
	r.addSecret("EXAMPLETOKEN")
	return r.step(plan.KindContainer, plan.CredentialSource{Source: "EcsContainer"})
}

func TestContainer(t *testing.T) {
	r, n := newFixture(t), newMetadataServer(t)
	n.answers["/creds"] = respond(200, "application/json", ambientKey)
	r.AWS.Network.Proxy = http.ProxyURL(nil)
	c := r.create(r.container(n, containerToken, "Basic EXAMPLE"))
	if c.AccessKeyID != "ASIAIOSFODNN7EXAMPLE" || c.SecretAccessKey != "EXAMPLESECRET" || c.SessionToken != "EXAMPLETOKEN" ||
		!c.Expires.Equal(time.Date(2030, 1, 2, 13, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v", c)
	}
	if want := "GET /creds Basic EXAMPLE"; len(n.seen()) != 1 || n.seen()[0] != want {
		t.Errorf("requests %q, want %q", n.seen(), want)
	}
}

func TestContainerTokenFileIsReadEachTime(t *testing.T) {
	r, n := newFixture(t), newMetadataServer(t)
	n.answers["/creds"] = respond(200, "application/json", ambientKey)
	path := filepath.Join(t.TempDir(), "token")
	s := r.container(n, containerTokenFile, path, containerToken, "not this one")
	for _, token := range []string{"first", "second\n"} {
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		r.create(s)
	}
	if got := strings.Join(n.seen(), "|"); got != "GET /creds first|GET /creds second" {
		t.Errorf("requests %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	r.wantText(r.fail(s), containerTokenFile+": ")
	if err := os.WriteFile(path, []byte(r.addSecret("EXAMPLE\nX-Other: header")), 0o600); err != nil {
		t.Fatal(err)
	}
	r.wantText(r.fail(s), containerTokenFile+": the token contains a character")
	if len(n.seen()) != 2 {
		t.Errorf("requests %q", n.seen())
	}
}

func TestContainerRefusedSettings(t *testing.T) {
	for name, c := range map[string]struct {
		vars  []string
		words []string
	}{
		"nothing set":    {nil, []string{"container endpoint of profile p: found no endpoint", containerURL, containerPath}},
		"foreign host":   {[]string{containerURL, "http://creds.example.com/secret-path"}, []string{containerURL, "http://creds.example.com, expected https"}},
		"like loopback":  {[]string{containerURL, "http://127.0.0.1.example.com/"}, []string{"expected https"}},
		"another scheme": {[]string{containerURL, "ftp://127.0.0.1/"}, []string{"with an invalid URL"}},
		"userinfo":       {[]string{containerURL, "http://u:hunter2@127.0.0.1/"}, []string{"with an invalid URL"}},
		"junk":           {[]string{containerURL, "http://a b"}, []string{"with an invalid URL"}},
		"other host":     {[]string{containerPath, "@example.com/"}, []string{containerPath + " without a leading /"}},
		"host's end":     {[]string{containerPath, ".example.com/"}, []string{containerPath + " without a leading /"}},
		"token":          {[]string{containerURL, "http://127.0.0.1:9/", containerToken, "a\r\nb"}, []string{containerToken + ": the token contains"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.addSecret("hunter2")
			r.addSecret("secret-path")
			r.Getenv = env(c.vars...)
			r.wantText(r.fail(r.step(plan.KindContainer, plan.CredentialSource{Source: "EcsContainer"})), c.words...)
		})
	}
}

func TestContainerEndpointsOfAWS(t *testing.T) {
	for value, want := range map[string]string{
		containerURL + "=http://169.254.170.23/v1/credentials": "http://169.254.170.23/v1/credentials",
		containerURL + "=http://[fd00:ec2::23]/v1/credentials": "http://[fd00:ec2::23]/v1/credentials",
		containerURL + "=http://localhost:80/":                 "http://localhost:80/",
		containerURL + "=https://creds.example.com/a?b=c":      "https://creds.example.com/a?b=c",
		containerPath + "=/v2/credentials/abc":                 "http://169.254.170.2/v2/credentials/abc",
	} {
		r := newFixture(t)
		name, text, _ := strings.Cut(value, "=")
		r.Getenv = env(name, text)
		u, err := ambientSource{r.Deps, plan.Step{Kind: plan.KindContainer}}.containerEndpoint(t.Context())
		if err != nil || u.String() != want {
			t.Errorf("%s: got %v, %v", value, u, err)
		}
	}
}

// A host name in a plain HTTP URL must resolve only to this machine or to the addresses of container endpoints.
func TestContainerEndpointWithAName(t *testing.T) {
	for name, c := range map[string]struct {
		addresses []string
		err       error
		want      bool
	}{
		"this machine":          {[]string{"127.0.0.1", "::1"}, nil, true},
		"AWS's":                 {[]string{"169.254.170.23"}, nil, true},
		"another machine":       {[]string{"192.0.2.1"}, nil, false},
		"another machine, too":  {[]string{"127.0.0.1", "192.0.2.1"}, nil, false},
		"the name of a machine": {[]string{"localhost.example.com"}, nil, false},
		"nothing":               {nil, nil, false},
		"no response":           {[]string{"127.0.0.1"}, errors.New("no such host"), false},
	} {
		r := newFixture(t)
		r.LookupHost = func(_ context.Context, host string) ([]string, error) {
			if host != "creds.internal" {
				t.Errorf("looked up %s, want creds.internal", host)
			}
			return c.addresses, c.err
		}
		r.Getenv = env(containerURL, "http://creds.internal:8080/")
		_, err := ambientSource{r.Deps, plan.Step{Kind: plan.KindContainer}}.containerEndpoint(t.Context())
		var plain *awsapi.PlainHTTPError
		if (err == nil) != c.want || err != nil && !errors.As(err, &plain) {
			t.Errorf("%s: got %v", name, err)
		}
		allowed := plan.Step{Kind: plan.KindContainer, Endpoint: plan.Endpoint{PlainHTTP: true}}
		if _, err := (ambientSource{r.Deps, allowed}).containerEndpoint(t.Context()); err != nil {
			t.Errorf("%s, with allow_plain_http: got %v", name, err)
		}
	}
}

func TestContainerRefusal(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		kind   string
		body   string
		words  string
		calls  int
	}{
		"JSON":          {403, "application/json", `{"code":"AccessDenied","message":"wrong token\nEXAMPLEAUTH"}`, "AWS returned AccessDenied: wrong token ****", 1},
		"text":          {404, "text/plain", "EXAMPLESECRET", "AWS returned HTTP 404", 1},
		"redirect":      {302, "text/html", "EXAMPLESECRET", "AWS returned HTTP 302", 1},
		"busy":          {503, "text/html", "<h1>EXAMPLESECRET</h1>", "AWS returned HTTP 503", 3},
		"throttled":     {429, "application/json", `{"code":"Throttling","message":"slow down"}`, "AWS returned Throttling", 3},
		"JavaScript":    {403, "application/json", `{"Code":"AccessDenied","Message":"wrong token"}`, "AWS returned AccessDenied: wrong token", 1},
		"null refusal":  {403, "application/json", "null", "AWS returned HTTP 403", 1},
		"null":          {200, "application/json", "null", "no valid credentials in the response", 1},
		"list":          {200, "application/json", "[]", "no valid credentials in the response", 1},
		"too many":      {429, "text/plain", "EXAMPLESECRET", "AWS returned HTTP 429", 3},
		"JSON junk":     {403, "application/json", "EXAMPLESECRET", "AWS returned HTTP 403", 1},
		"page":          {200, "text/html", "<h1>EXAMPLESECRET</h1>", "no valid credentials in the response", 1},
		"nothing":       {200, "application/json", "", "no valid credentials in the response", 1},
		"no key":        {200, "application/json", "{}", "found no AccessKeyId", 1},
		"expires oddly": {200, "application/json", strings.Replace(ambientKey, "2030-01-02T13:00:00Z", "EXAMPLESECRET", 1), "no valid credentials in the response", 1},
		"large":         {200, "application/json", `"` + strings.Repeat("x", 2<<20) + `"`, "not from AWS (application/json, 1048.6 kB)", 1},
		"a line's end":  {200, "application/json", strings.Replace(ambientKey, "EXAMPLETOKEN", `EXAMPLETOKEN\nA=b`, 1), "found a key with a space", 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, n := newFixture(t), newMetadataServer(t)
			n.answers["/creds"] = respond(c.status, c.kind, c.body)
			r.addSecret("EXAMPLEAUTH")
			err := r.fail(r.container(n, containerToken, "EXAMPLEAUTH"))
			r.wantText(err, "container endpoint of profile p: ", c.words)
			if len(n.seen()) != c.calls {
				t.Errorf("%d requests, want %d", len(n.seen()), c.calls)
			}
		})
	}
}

func TestContainerTimeout(t *testing.T) {
	r, n := newFixture(t), newMetadataServer(t)
	r.AWS.Timeout = 50 * time.Millisecond
	n.answers["/creds"] = func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }
	e := failAs[*awsapi.TimeoutError](r, r.container(n))
	if e.Endpoint != n.URL {
		t.Errorf("got %+v", e)
	}
	n.Close()
	r.AWS.Timeout = 0
	if e := failAs[*awsapi.UnreachableError](r, r.container(n)); e.Endpoint != n.URL {
		t.Errorf("got %+v", e)
	}
}

// A redirect is not followed, because the token must not be sent to another host.
func TestContainerRedirectIsNotFollowed(t *testing.T) {
	r, n, other := newFixture(t), newMetadataServer(t), newMetadataServer(t)
	n.answers["/creds"] = func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, other.URL, http.StatusTemporaryRedirect)
	}
	if e := failAs[*awsapi.APIError](r, r.container(n, containerToken, "EXAMPLEAUTH")); e.Status != http.StatusTemporaryRedirect {
		t.Errorf("got %+v", e)
	}
	if len(other.asked) != 0 {
		t.Errorf("another host got the requests %q", other.asked)
	}
}

func TestContainerUsesProxyOnlyForHTTPS(t *testing.T) {
	r, n := newFixture(t), newMetadataServer(t)
	n.answers["/creds"] = respond(200, "application/json", ambientKey)
	var proxied []string
	r.AWS.Network.Proxy = func(q *http.Request) (*url.URL, error) {
		proxied = append(proxied, q.URL.Host)
		return nil, errors.New("no proxy today")
	}
	s := r.container(n)
	r.create(s)
	r.Getenv = env(containerURL, "https://creds.example.com/a")
	failAs[*awsapi.UnreachableError](r, s)
	if len(slices.Compact(proxied)) != 1 || proxied[0] != "creds.example.com" {
		t.Errorf("looked up proxies for %q", proxied)
	}
}

func TestContainerResponseTruncated(t *testing.T) {
	r, n := newFixture(t), newMetadataServer(t)
	n.answers["/creds"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("{"))
	}
	failAs[*awsapi.UnreachableError](r, r.container(n))
}
