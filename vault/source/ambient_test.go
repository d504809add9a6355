package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

func TestEnvironment(t *testing.T) {
	r := newFixture(t)
	s := r.step(plan.KindEnvironment, plan.CredentialSource{Source: "Environment"})
	r.Getenv = env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY", "EXAMPLESECRET", "AWS_SESSION_TOKEN", "EXAMPLETOKEN")
	want := aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "EXAMPLESECRET", SessionToken: "EXAMPLETOKEN"}
	if got := r.create(s); got != want {
		t.Errorf("got %+v", got)
	}
	r.Getenv = env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	r.wantText(failAs[*AmbientError](r, s), "environment of profile p: found no AccessKeyId or no SecretAccessKey")
}

// metadataServer is a fake metadata endpoint of an EC2 instance or a container. Its response depends on the path of
// the request. It records all requests that it receives.
type metadataServer struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string
	answers map[string]func(http.ResponseWriter, *http.Request)
}

func newMetadataServer(t *testing.T) *metadataServer {
	n := &metadataServer{answers: map[string]func(http.ResponseWriter, *http.Request){}}
	n.Server = httptest.NewServer(n)
	t.Cleanup(n.Close)
	return n
}

func (n *metadataServer) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	n.mu.Lock()
	n.asked = append(n.asked, q.Method+" "+q.URL.Path+" "+q.Header.Get("Authorization")+q.Header.Get("X-Aws-Ec2-Metadata-Token"))
	answer := n.answers[q.URL.Path]
	n.mu.Unlock()
	if answer == nil {
		http.NotFound(w, q)
		return
	}
	answer(w, q)
}

// seen returns the requests that the server has received so far.
func (n *metadataServer) seen() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

func respond(status int, kind, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

const ambientKey = `{"Code":"Success","AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"EXAMPLESECRET","Token":"EXAMPLETOKEN","Expiration":"2030-01-02T13:00:00Z"}`

// metadataRoles is the path at which the metadata service lists the instance's role.
const metadataRoles = "/latest/meta-data/iam/security-credentials/"

// instance lets the server n answer like the metadata service of an EC2 instance with the role app. It returns a
// step that uses the server.
func (r *fixture) instance(n *metadataServer) plan.Step {
	n.answers["/latest/api/token"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		fmt.Fprint(w, "EXAMPLE-IMDS-TOKEN")
	}
	n.answers[metadataRoles] = respond(200, "text/plain", "app\n")
	n.answers[metadataRoles+"app"] = respond(200, "application/json", ambientKey)
	for _, secret := range []string{"EXAMPLESECRET", "EXAMPLETOKEN", "EXAMPLE-IMDS-TOKEN"} {
		r.addSecret(secret)
	}
	return r.step(plan.KindMetadata, plan.CredentialSource{Source: "Ec2InstanceMetadata", Endpoint: n.URL})
}

func TestInstance(t *testing.T) {
	r, n := newFixture(t), newMetadataServer(t)
	c := r.create(r.instance(n))
	if c.AccessKeyID != "ASIAIOSFODNN7EXAMPLE" || c.SecretAccessKey != "EXAMPLESECRET" || c.SessionToken != "EXAMPLETOKEN" || !c.CanExpire {
		t.Errorf("got %+v", c)
	}
	want := "PUT /latest/api/token |GET /latest/meta-data/iam/security-credentials/ EXAMPLE-IMDS-TOKEN|GET /latest/meta-data/iam/security-credentials/app EXAMPLE-IMDS-TOKEN"
	if got := strings.Join(n.seen(), "|"); got != want {
		t.Errorf("requests %q, want %q", got, want)
	}
}

func TestInstanceWithoutARole(t *testing.T) {
	const role = "/latest/meta-data/iam/security-credentials/app"
	for name, c := range map[string]struct {
		path   string
		answer func(http.ResponseWriter, *http.Request)
		words  string
	}{
		"no role":   {"/latest/meta-data/iam/security-credentials/", nil, "AWS returned HTTP 404"},
		"empty":     {"/latest/meta-data/iam/security-credentials/", respond(200, "text/plain", ""), "no valid credentials in the response"},
		"failed":    {role, respond(200, "application/json", `{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role"}`), "AWS returned AssumeRoleUnauthorizedAccess: EC2 cannot"},
		"page":      {role, respond(200, "text/html", "EXAMPLESECRET"), "no valid credentials in the response"},
		"no key":    {role, respond(200, "application/json", `{"Code":"Success"}`), "found no AccessKeyId"},
		"forbidden": {"/latest/api/token", respond(400, "text/plain", "EXAMPLESECRET"), "AWS returned HTTP 400"},
	} {
		t.Run(name, func(t *testing.T) {
			r, n := newFixture(t), newMetadataServer(t)
			s := r.instance(n)
			n.answers[c.path] = c.answer
			r.wantText(r.fail(s), "EC2 metadata of profile p: ", c.words)
		})
	}
}

// If the token service fails, a client may use version 1 of the protocol (IMDSv1), unless a setting forbids it. With
// version 1, the client must not send a token header.
func TestInstanceWithoutTokens(t *testing.T) {
	for name, c := range map[string]struct {
		puts   func(http.ResponseWriter, *http.Request)
		within time.Duration
	}{
		"not found":   {http.NotFound, time.Second},
		"forbidden":   {respond(403, "text/html", ""), time.Second},
		"not allowed": {respond(405, "text/html", ""), time.Second},
		"silent":      {func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, n := newFixture(t), newMetadataServer(t)
			s := r.instance(n)
			n.answers["/latest/api/token"] = c.puts
			old := func(w http.ResponseWriter, q *http.Request) {
				if _, ok := q.Header["X-Aws-Ec2-Metadata-Token"]; ok { // even an empty token is refused
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				if strings.HasSuffix(q.URL.Path, "/app") {
					respond(200, "application/json", ambientKey)(w, q)
					return
				}
				fmt.Fprint(w, "app")
			}
			n.answers[metadataRoles], n.answers[metadataRoles+"app"] = old, old
			began := time.Now()
			r.create(s)
			if took := time.Since(began); took > c.within {
				t.Errorf("the step took %s, want at most %s", took, c.within)
			}
			puts := func() (all int) {
				for _, asked := range n.seen() {
					if strings.HasPrefix(asked, http.MethodPut) {
						all++
					}
				}
				return all
			}
			if puts() != 1 || len(n.seen()) != 3 {
				t.Errorf("requests %q, want one PUT and two GETs", n.seen())
			}
			s.Spec = plan.CredentialSource{Source: "Ec2InstanceMetadata", Endpoint: n.URL, WithoutV1: true}
			before := puts()
			r.fail(s)
			if gets := len(n.seen()) - 3 - (puts() - before); gets != 0 {
				t.Errorf("%d GETs without a token, want none", gets)
			}
		})
	}
}

// If the client could not fetch a token, but the service refuses a request without one, the client tries to fetch a
// token again.
func TestInstanceRequiresToken(t *testing.T) {
	r, n := newFixture(t), newMetadataServer(t)
	s := r.instance(n)
	token, roles := n.answers["/latest/api/token"], n.answers[metadataRoles]
	tries := 0
	n.answers["/latest/api/token"] = func(w http.ResponseWriter, q *http.Request) {
		if tries++; tries == 1 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		token(w, q)
	}
	n.answers[metadataRoles] = func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("X-Aws-Ec2-Metadata-Token") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		roles(w, q)
	}
	if c := r.create(s); c.AccessKeyID != "ASIAIOSFODNN7EXAMPLE" || tries != 2 {
		t.Errorf("got %+v after %d PUTs", c, tries)
	}
}

func TestInstanceRetries(t *testing.T) {
	for attempts, want := range map[int]int{0: 3, 1: 1, 4: 4} {
		r, n := newFixture(t), newMetadataServer(t)
		s := r.instance(n)
		n.answers[metadataRoles] = respond(503, "text/html", "EXAMPLESECRET")
		s.Endpoint.MaxAttempts = attempts
		r.wantText(r.fail(s), "EC2 metadata of profile p: AWS returned HTTP 503")
		if len(n.seen()) != 1+want {
			t.Errorf("requests %q, want one PUT and %d GETs", n.seen(), want)
		}
	}
}

func TestInstanceRefusedSettings(t *testing.T) {
	for name, c := range map[string]struct {
		vars     []string
		endpoint string
		words    string
	}{
		"disabled": {[]string{"AWS_EC2_METADATA_DISABLED", "TRUE"}, "http://127.0.0.1:1", "found AWS_EC2_METADATA_DISABLED=true"},
		"junk":     {nil, "a b", "is not a valid URL"},
		"userinfo": {nil, "http://u:hunter2@127.0.0.1", "is not a valid URL"},
		"scheme":   {nil, "ftp://127.0.0.1", "is not a valid URL"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.addSecret("hunter2")
			r.Getenv = env(c.vars...)
			e := failAs[*AmbientError](r, r.step(plan.KindMetadata, plan.CredentialSource{Source: "Ec2InstanceMetadata", Endpoint: c.endpoint}))
			r.wantText(e, "EC2 metadata of profile p: ", c.words)
		})
	}
}

// TestInstancePlainHTTP checks that plain HTTP is used only for a metadata service on this machine or at an
// address that no router forwards. The addresses of host names are checked.
func TestInstancePlainHTTP(t *testing.T) {
	for url, c := range map[string]struct {
		addresses []string // addresses of the host name
		want      bool
	}{
		"http://169.254.169.254":        {nil, true},
		"http://[fd00:ec2::254]":        {nil, true},
		"http://[fd00:ec2::255]":        {nil, false},
		"http://169.254.1.2:8081":       {nil, true},
		"http://[fe80::1%25eth0]:8081":  {nil, true},
		"http://127.0.0.1:8081":         {nil, true},
		"http://[::1]:8081":             {nil, true},
		"http://localhost:8081":         {nil, true},
		"http://192.0.2.1:8081":         {nil, false},
		"http://10.0.0.1":               {nil, false},
		"http://[::ffff:192.0.2.1]":     {nil, false},
		"http://169.254.169.254.evil":   {[]string{"192.0.2.1"}, false},
		"http://other-host:8081":        {[]string{"192.0.2.1"}, false},
		"http://both:8081":              {[]string{"169.254.169.254", "192.0.2.1"}, false},
		"http://nowhere:8081":           {nil, false},
		"http://instance-data.internal": {[]string{"169.254.169.254"}, true},
		"https://other-host:8081":       {nil, true},
	} {
		r := newFixture(t)
		r.LookupHost = func(context.Context, string) ([]string, error) { return c.addresses, nil }
		s := r.step(plan.KindMetadata, plan.CredentialSource{Source: "Ec2InstanceMetadata", Endpoint: url, Origin: "config:3"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // so that no request is sent
		_, err := ambientSource{r.Deps, s}.instance(ctx, s.Spec.(plan.CredentialSource))
		var plain *awsapi.PlainHTTPError
		if refused := errors.As(err, &plain); refused == c.want || refused && plain.Origin != "config:3" {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

// The AWS SDK's clients must use the step's endpoint, and not the environment variables that the SDK reads by default.
func TestSDKReadsNoEnvironment(t *testing.T) {
	r, n, other := newFixture(t), newMetadataServer(t), newMetadataServer(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", other.URL)
	r.create(r.instance(n))
	if len(other.asked) != 0 {
		t.Errorf("another endpoint got the requests %q", other.asked)
	}
}
