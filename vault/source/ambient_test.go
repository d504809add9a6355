package source

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

func TestEnvironmentGivesItsKey(t *testing.T) {
	r := newRoom(t)
	s := r.step(plan.KindEnvironment, plan.CredentialSource{Source: "Environment"})
	r.Getenv = env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY", "EXAMPLESECRET", "AWS_SESSION_TOKEN", "EXAMPLETOKEN")
	want := aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "EXAMPLESECRET", SessionToken: "EXAMPLETOKEN"}
	if got := r.make(s); got != want {
		t.Errorf("got %+v", got)
	}
	r.Getenv = env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	r.wantText(failAs[*AmbientError](r, s), "environment of profile p: found no AccessKeyId or no SecretAccessKey")
}

// A neighbour is an endpoint of the machine's. It answers by path, and notes what it was
// asked.
type neighbour struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string
	answers map[string]func(http.ResponseWriter, *http.Request)
}

func newNeighbour(t *testing.T) *neighbour {
	n := &neighbour{answers: map[string]func(http.ResponseWriter, *http.Request){}}
	n.Server = httptest.NewServer(n)
	t.Cleanup(n.Close)
	return n
}

func (n *neighbour) ServeHTTP(w http.ResponseWriter, q *http.Request) {
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

func says(status int, kind, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

const ambientKey = `{"Code":"Success","AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"EXAMPLESECRET","Token":"EXAMPLETOKEN","Expiration":"2030-01-02T13:00:00Z"}`

// instance makes the neighbour an EC2 instance with the role app.
func (r *room) instance(n *neighbour, more ...string) plan.Step {
	const roles = "/latest/meta-data/iam/security-credentials/"
	n.answers["/latest/api/token"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		fmt.Fprint(w, "EXAMPLE-IMDS-TOKEN")
	}
	n.answers[roles] = says(200, "text/plain", "app\n")
	n.answers[roles+"app"] = says(200, "application/json", ambientKey)
	r.Getenv = env(append([]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT", n.URL}, more...)...)
	for _, secret := range []string{"EXAMPLESECRET", "EXAMPLETOKEN", "EXAMPLE-IMDS-TOKEN"} {
		r.keep(secret)
	}
	return r.step(plan.KindMetadata, plan.CredentialSource{Source: "Ec2InstanceMetadata"})
}

func TestInstanceGivesCredentials(t *testing.T) {
	r, n := newRoom(t), newNeighbour(t)
	c := r.make(r.instance(n))
	if c.AccessKeyID != "ASIAIOSFODNN7EXAMPLE" || c.SecretAccessKey != "EXAMPLESECRET" || c.SessionToken != "EXAMPLETOKEN" || !c.CanExpire {
		t.Errorf("got %+v", c)
	}
	want := "PUT /latest/api/token |GET /latest/meta-data/iam/security-credentials/ EXAMPLE-IMDS-TOKEN|GET /latest/meta-data/iam/security-credentials/app EXAMPLE-IMDS-TOKEN"
	if got := strings.Join(n.asked, "|"); got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func TestInstanceWithoutARole(t *testing.T) {
	const role = "/latest/meta-data/iam/security-credentials/app"
	for name, c := range map[string]struct {
		path   string
		answer func(http.ResponseWriter, *http.Request)
		words  string
	}{
		"no role":   {"/latest/meta-data/iam/security-credentials/", nil, "AWS says HTTP 404"},
		"empty":     {"/latest/meta-data/iam/security-credentials/", says(200, "text/plain", ""), "something that is not credentials"},
		"failed":    {role, says(200, "application/json", `{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role"}`), "AWS says AssumeRoleUnauthorizedAccess: EC2 cannot"},
		"page":      {role, says(200, "text/html", "EXAMPLESECRET"), "something that is not credentials"},
		"no key":    {role, says(200, "application/json", `{"Code":"Success"}`), "found no AccessKeyId"},
		"forbidden": {"/latest/api/token", says(400, "text/plain", "EXAMPLESECRET"), "AWS says HTTP 400"},
	} {
		t.Run(name, func(t *testing.T) {
			r, n := newRoom(t), newNeighbour(t)
			s := r.instance(n)
			n.answers[c.path] = c.answer
			r.wantText(r.fail(s), "EC2 metadata of profile p: ", c.words)
		})
	}
}

// Without the token service a client may fall back to the first version of the protocol,
// unless it is told not to.
func TestInstanceWithoutTokens(t *testing.T) {
	r, n := newRoom(t), newNeighbour(t)
	s := r.instance(n)
	delete(n.answers, "/latest/api/token")
	r.make(s)
	s = r.instance(n, "AWS_EC2_METADATA_V1_DISABLED", "true")
	delete(n.answers, "/latest/api/token")
	r.fail(s)
}

func TestMetadataThatIsNotAsked(t *testing.T) {
	for name, c := range map[string]struct {
		vars  []string
		words string
	}{
		"disabled": {[]string{"AWS_EC2_METADATA_DISABLED", "TRUE"}, "found AWS_EC2_METADATA_DISABLED=true"},
		"junk":     {[]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "a b"}, "is no address"},
		"userinfo": {[]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://u:hunter2@127.0.0.1"}, "is no address"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			r.keep("hunter2")
			r.Getenv = env(c.vars...)
			e := failAs[*AmbientError](r, r.step(plan.KindMetadata, plan.CredentialSource{Source: "Ec2InstanceMetadata"}))
			r.wantText(e, "EC2 metadata of profile p: ", c.words)
		})
	}
}

func TestMetadataEndpoint(t *testing.T) {
	const variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
	for want, vars := range map[string][]string{
		"http://169.254.169.254":   {variable + "_MODE", "ipv4"},
		"http://[fd00:ec2::254]":   {variable + "_MODE", "ipv6"},
		"http://metadata.internal": {variable + "_MODE", "IPv6", variable, "http://metadata.internal"},
	} {
		r := newRoom(t)
		if r.Getenv = env(vars...); MetadataAddress(r.Getenv) != want {
			t.Errorf("%q lead to %s, want %s", vars, MetadataAddress(r.Getenv), want)
		}
	}
}
