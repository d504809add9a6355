//go:build interop && linux

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aws-vault/internal/fakeaws"
)

// cli returns the AWS CLI's command line for calling GetCallerIdentity.
func (w *world) cli() []string {
	return []string{awsCLI, "--endpoint-url", w.aws.URL(), "--region", "eu-central-1", "--output", "text", "--query", "Arn", "sts", "get-caller-identity"}
}

// javascript returns the command line of a program that calls GetCallerIdentity with the JavaScript SDK. The SDK
// searches its default sources for credentials.
func (w *world) javascript(flags ...string) []string {
	return append([]string{"node", filepath.Join(os.Getenv(modulesVariable), "chain.mjs"), w.aws.URL()}, flags...)
}

// The method "with" runs a command with aws-vault exec, and returns the command's output. The flag (--ecs-server
// or --ec2-server) starts a credential server.
func (w *world) with(flag string, command []string) string {
	w.t.Helper()
	return strings.TrimSpace(w.vault(append([]string{"exec", flag, "prod", "--"}, command...)...))
}

// The AWS CLI and the JavaScript SDK find the ECS server and the EC2 server through their environment.
func TestClientsAtServers(t *testing.T) {
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	for _, c := range []struct {
		name    string
		command []string
	}{{"AWS CLI", w.cli()}, {"JavaScript SDK", w.javascript()}} {
		for _, flag := range []string{"--ecs-server", "--ec2-server"} {
			if arn := w.with(flag, c.command); arn != prodARN {
				t.Errorf("%s with %s is %q, want %s", c.name, flag, arn, prodARN)
			}
		}
	}
}

// rubyRequest is a Ruby program that requests credentials in the same way as the SDK for Ruby: it passes the path of the
// URL to Net::HTTP, which refuses an empty path. It prints the status of the response. The SDK of Debian 12 cannot be
// used for this, because it does not read AWS_CONTAINER_CREDENTIALS_FULL_URI.
const rubyRequest = `require "net/http"
uri = URI.parse(ENV["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
request = Net::HTTP::Get.new(uri.path)
request["Authorization"] = ENV["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
puts Net::HTTP.start(uri.host, uri.port) { |http| http.request(request).code }`

// rubySDK returns the version of the SDK for Ruby, or "" if it is not installed.
func rubySDK() string {
	out, _ := exec.Command("ruby", "-raws-sdk-core", "-e", "puts Aws::CORE_GEM_VERSION").Output()
	return strings.TrimSpace(string(out))
}

// Ruby can request credentials from the ECS server. TestContainer runs the SDK itself. The EC2 server is not tested,
// because the SDK ignores the port in AWS_EC2_METADATA_SERVICE_ENDPOINT.
func TestRubyAtServer(t *testing.T) {
	if rubySDK() == "" {
		t.Skip("the SDK for Ruby is not here")
	}
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	if status := w.with("--ecs-server", []string{"ruby", "-e", rubyRequest}); status != "200" {
		t.Errorf("Ruby with --ecs-server: status %q, want 200", status)
	}
}

// The server provides credentials of a role at an address that contains the role's ARN.
func TestClientsOfRoles(t *testing.T) {
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	const atRole = `AWS_CONTAINER_CREDENTIALS_FULL_URI="$AWS_CONTAINER_CREDENTIALS_FULL_URI/role-arn/$0" exec "$@"`
	for _, command := range [][]string{w.cli(), w.javascript()} {
		out := w.vault(append([]string{"exec", "-s", "alice", "--", "sh", "-c", atRole, w.ReadOnly}, command...)...)
		if want := "arn:aws:sts::123456789012:assumed-role/readonly/aws-vault-alice"; strings.TrimSpace(out) != want {
			t.Errorf("%s is %q, want %s", command[0], out, want)
		}
	}
}

// The method "beside" starts aws-vault with the arguments in command. aws-vault runs until the test ends. The
// method returns the first lines of the output. The argument lines is the number of these lines.
func (w *world) beside(lines int, command ...string) []string {
	w.t.Helper()
	said, _ := w.start(lines, command...)
	return said
}

// start is like beside, and also returns the process id of aws-vault.
func (w *world) start(lines int, command ...string) (said []string, pid int) {
	w.t.Helper()
	c := w.command(w.program, command...)
	stdin, err := c.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		stdin.Close()
		c.Process.Signal(os.Interrupt)
		c.Wait()
	})
	for scan := bufio.NewScanner(stdout); len(said) < lines && scan.Scan(); {
		said = append(said, scan.Text())
	}
	if len(said) < lines {
		w.t.Fatalf("aws-vault %q says %q only", command, said)
	}
	return said, c.Process.Pid
}

func (w *world) who(p aws.CredentialsProvider) (string, error) {
	client := sts.New(sts.Options{Region: "eu-central-1", BaseEndpoint: aws.String(w.aws.URL()), Credentials: p})
	out, err := client.GetCallerIdentity(w.t.Context(), nil)
	if err != nil {
		return "", err
	}
	return *out.Arn, nil
}

// The Go SDK gets credentials from both servers. The EC2 server must provide credentials that are valid for 25 min
// or longer.
func TestGoSDKAtServers(t *testing.T) {
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	ecs := w.beside(2, "exec", "-s", "prod", "--", "sh", "-c", endpoint)
	if arn, err := w.who(endpointcreds.New(ecs[0], func(o *endpointcreds.Options) { o.AuthorizationToken = ecs[1] })); err != nil || arn != prodARN {
		t.Errorf("at the container's endpoint: %q, %v", arn, err)
	}
	ec2 := w.beside(1, "exec", "--ec2-server", "prod", "--", "sh", "-c", "printenv AWS_EC2_METADATA_SERVICE_ENDPOINT; cat")
	client := imds.New(imds.Options{Endpoint: ec2[0], EnableFallback: aws.FalseTernary})
	provider := ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = client })
	if arn, err := w.who(provider); err != nil || arn != prodARN {
		t.Errorf("at the metadata service: %q, %v", arn, err)
	}
	if c, err := provider.Retrieve(t.Context()); err != nil || time.Until(c.Expires) < 25*time.Minute {
		t.Errorf("the credentials are valid for %s, %v", time.Until(c.Expires), err)
	}
	region, err := client.GetRegion(t.Context(), nil)
	if err != nil || region.Region != "eu-central-1" {
		t.Errorf("the region: %+v, %v", region, err)
	}
}

// A client that reads the token from a file can use the token file of aws-vault serve.
func TestTokenFile(t *testing.T) {
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	w.beside(4, "serve", "--address=127.0.0.1:0", "alice", "prod")
	var served map[string]map[string]string
	if err := json.Unmarshal([]byte(w.vault("serve", "--status", "--format=json")), &served); err != nil {
		t.Fatal(err)
	}
	plain := w.env
	for profile, want := range map[string]string{"alice": "arn:aws:iam::123456789012:user/alice", "prod": prodARN} {
		w.env = plain
		for name, value := range served[profile] {
			w.env = append(w.env, name+"="+value)
		}
		command := w.javascript()
		if arn := strings.TrimSpace(w.input("", command[0], command[1:]...)); arn != want {
			t.Errorf("with the variables of %s it is %q, want %s", profile, arn, want)
		}
		token, err := os.ReadFile(served[profile]["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
		if err != nil {
			t.Fatal(err)
		}
		provider := endpointcreds.New(served[profile]["AWS_CONTAINER_CREDENTIALS_FULL_URI"], func(o *endpointcreds.Options) { o.AuthorizationToken = string(token) })
		if arn, err := w.who(provider); err != nil || arn != want {
			t.Errorf("the Go SDK is %q, %v, want %s", arn, err, want)
		}
	}
	w.env = plain
}

// shortLife is the lifetime of the credentials in TestLongLivedClients.
const shortLife = 8 * time.Second

// issue writes new credentials for the profile "short" every second. It stores the expiry time of each access key
// in the map ends.
func (w *world) issue(ends *sync.Map) {
	w.t.Helper()
	client := sts.New(sts.Options{Region: "eu-central-1", BaseEndpoint: aws.String(w.aws.URL()), Credentials: credentials.NewStaticCredentialsProvider(w.Key.ID, w.Key.Secret, "")})
	file := filepath.Join(w.home, "short.json")
	next := func() error {
		out, err := client.AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: &w.ReadOnly, RoleSessionName: aws.String("short")})
		if err != nil {
			return err
		}
		until := time.Now().Add(shortLife).Truncate(time.Second)
		ends.Store(*out.Credentials.AccessKeyId, until)
		text := fmt.Sprintf(`{"Version":1,"AccessKeyId":%q,"SecretAccessKey":%q,"SessionToken":%q,"Expiration":%q}`,
			*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken, until.UTC().Format(time.RFC3339))
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			return err
		}
		return os.Rename(file+".new", file)
	}
	if err := next(); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := next(); err != nil {
					w.t.Error(err)
					return
				}
			}
		}
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// Each client runs three times longer than its credentials are valid. All its calls must succeed, and none may use
// expired credentials.
func TestLongLivedClients(t *testing.T) {
	w := newWorld(t, "file", passphrase)
	var ends sync.Map
	w.issue(&ends)
	w.write(filepath.Join(".aws", "config"), "[profile short]\nregion = eu-central-1\ncredential_process = cat "+filepath.Join(w.home, "short.json")+"\n")
	const life = 3 * shortLife
	var clients sync.WaitGroup
	run := func(command ...string) {
		clients.Go(func() {
			c := w.command(w.program, append([]string{"exec", "-s", "short", "--"}, command...)...)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%s", command, err, out)
			}
		})
	}
	run(w.javascript(fmt.Sprint(life.Milliseconds()))...)
	run("/usr/bin/python3", "-c", botocore, w.aws.URL(), fmt.Sprint(life.Seconds()))
	ecs := w.beside(2, "exec", "-s", "short", "--", "sh", "-c", endpoint)
	clients.Go(func() {
		cache := aws.NewCredentialsCache(endpointcreds.New(ecs[0], func(o *endpointcreds.Options) { o.AuthorizationToken = ecs[1] }))
		for begun := time.Now(); time.Since(begun) < life; time.Sleep(100 * time.Millisecond) {
			if arn, err := w.who(cache); err != nil {
				t.Errorf("the Go SDK is %q, %v", arn, err)
			}
		}
	})
	clients.Wait()
	seen := map[string]map[string]bool{}
	for _, c := range w.aws.Calls() {
		if c.Action != "GetCallerIdentity" {
			continue
		}
		until, known := ends.Load(c.AccessKeyID)
		if !known || c.Code != "" || c.Time.After(until.(time.Time)) {
			t.Errorf("at %s %s used a key that expires at %v: %s", c.Time, c.UserAgent, until, c.Code)
		}
		agent, _, _ := strings.Cut(c.UserAgent, "/")
		if seen[agent] == nil {
			seen[agent] = map[string]bool{}
		}
		seen[agent][c.AccessKeyID] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d kinds of client called AWS, want three: %v", len(seen), seen)
	}
	for agent, keys := range seen {
		if len(keys) < 3 {
			t.Errorf("%s has seen %d keys, want several", agent, len(keys))
		}
	}
}

// botocore is a Python program that calls GetCallerIdentity with Debian's botocore, again and again for a given time.
const botocore = `
import sys, time
from awscli.botocore.session import Session
sts = Session().create_client("sts", endpoint_url=sys.argv[1], region_name="eu-central-1")
end = time.time() + float(sys.argv[2])
while time.time() < end:
    sts.get_caller_identity()
    time.sleep(0.2)
`

const endpoint = "printenv AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN; cat"

// If fifty clients request forty new roles, AWS receives forty calls. After three thousand roles, the server uses
// hardly more memory and files than after five hundred roles.
func TestManyRoles(t *testing.T) {
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	const many, few = 3000, 500
	name := func(n int) string { return fmt.Sprintf("arn:aws:iam::123456789012:role/many-%d", n) }
	for n := range many {
		w.aws.AddRole(name(n), fakeaws.Role{Trusts: []string{"arn:aws:iam::123456789012:user/alice"}})
	}
	ecs, pid := w.start(2, "exec", "-s", "alice", "--", "sh", "-c", endpoint)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 50, MaxIdleConnsPerHost: 50}}
	defer client.CloseIdleConnections()
	ask := func(n int) {
		r, err := http.NewRequest("GET", ecs[0]+"/role-arn/"+name(n), nil)
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Authorization", ecs[1])
		resp, err := client.Do(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
			t.Errorf("%s: %s, %v", resp.Status, text, err)
		}
	}
	w.aws.Reset()
	var clients sync.WaitGroup
	for range 50 {
		clients.Go(func() {
			for n := range 40 {
				ask(n)
			}
		})
	}
	clients.Wait()
	if calls := w.aws.Actions(); len(calls) != 40 {
		t.Errorf("AWS was asked %d times, want 40", len(calls))
	}
	var files, memory int
	for n := range many {
		ask(n)
		if n == few {
			files, memory = held(t, pid)
		}
	}
	if f, m := held(t, pid); f > files+2 || m > memory+memory/4 {
		t.Errorf("%d files and %d kB after %d roles, and %d and %d after %d", f, m, many, files, memory, few)
	} else {
		t.Logf("%d files and %d kB after %d roles, and %d and %d after %d", f, m, many, files, memory, few)
	}
}

// held returns the number of files that a process has open, and the process's memory in kilobytes.
func held(t *testing.T, pid int) (files, memory int) {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(after, &memory); err != nil {
		t.Fatal(err)
	}
	return len(names), memory
}

// A client with the token gets credentials. The output of --debug does not contain the token.
func TestServerKeepsItsToken(t *testing.T) {
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	c := w.command(w.program, append([]string{"--debug", "exec", "-s", "alice", "--"}, "sh", "-c", "printenv AWS_CONTAINER_AUTHORIZATION_TOKEN; exec "+strings.Join(w.cli(), " "))...)
	var log strings.Builder
	c.Stderr = &log
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	token, _, _ := strings.Cut(string(out), "\n")
	if len(token) != 43 || log.Len() == 0 || strings.Contains(log.String(), token) {
		t.Errorf("token %q, log\n%s", token, &log)
	}
}
