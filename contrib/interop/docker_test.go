//go:build interop && linux

package interop

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
)

// clientVariable makes the test binary run as a program in a container. The program gets credentials from the address
// in this variable and prints them.
const clientVariable = "INTEROP_CLIENT_OF"

func beClient(at string) int {
	c, err := endpointcreds.New(at).Retrieve(context.Background())
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	if json.NewEncoder(os.Stdout).Encode(c) != nil {
		return 1
	}
	return 0
}

// container is a script that imitates a container. It runs in a network namespace that contains only the proxy's
// address. The proxy reaches aws-vault serve through a Unix socket in the folder $SHARED. The variable
// $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is the one that aws-vault serve has printed.
const container = `set -e
ip link set lo up
ip address add 169.254.170.2/32 dev lo
"$PROXY" -to "$SHARED/serve.sock" -tokens "$SHARED/tokens" &
proxy=$!
trap 'kill $proxy; wait' EXIT
until "$PROXY" -check 2>/dev/null; do kill -0 $proxy; done
at=http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
` + clientVariable + `=$at "$CLIENT"
for other in http://169.254.170.2/prod ${at}x $at/role-arn/$ROLE http://169.254.170.2/alice${at##*/prod}; do
	if ` + clientVariable + `=$other "$CLIENT" 2>&1; then exit 3; fi
done
[ -z "$RUBY" ] || ruby -raws-sdk-core -e 'puts Aws::ECSCredentials.new.credentials.access_key_id'
`

// Programs in containers get credentials from the proxy. Only the proxy has the token.
func TestContainer(t *testing.T) {
	w := newWorld(t, "file", passphrase)
	w.add(w.Key)
	shared := filepath.Join(w.home, "shared")
	uri := w.beside(1, "serve", "--socket", filepath.Join(shared, "serve.sock"), "--token-dir", filepath.Join(shared, "tokens"), "prod")[0]
	argv := []string{"unshare", "--net", "--kill-child"}
	if os.Getuid() != 0 {
		argv = append(argv, "--map-root-user")
	}
	if out, err := exec.Command(argv[0], append(argv[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("cannot create a network namespace: %v: %s", err, out)
	}
	c := w.command(argv[0], append(argv[1:], "sh", "-c", container)...)
	c.Env = append(slices.Clone(c.Env), uri, "PROXY="+buildProxy(t), "SHARED="+shared, "CLIENT="+os.Args[0], "ROLE="+w.ReadOnly)
	ruby := rubySDK() != ""
	if ruby {
		c.Env = append(c.Env, "RUBY=yes")
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	token, err := os.ReadFile(filepath.Join(shared, "tokens", "prod"))
	if err != nil || strings.Contains(string(out), string(token)) {
		t.Errorf("the output contains the token, or the token file cannot be read: %v", err)
	}
	var got aws.Credentials
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "{") {
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
		}
	}
	if ruby && !strings.Contains(string(out), "\n"+got.AccessKeyID+"\n") {
		t.Errorf("the SDK for Ruby does not get the credentials of %s: %s", got.AccessKeyID, out)
	}
	if left := time.Until(got.Expires); !got.CanExpire || left < 20*time.Minute {
		t.Errorf("credentials until %v", got.Expires)
	}
	if arn, err := w.who(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return got, nil })); err != nil || arn != prodARN {
		t.Errorf("the credentials belong to %q, %v, want %s", arn, err, prodARN)
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(shared, "serve.sock"))
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://localhost/prod")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("without the token the socket answers %s", resp.Status)
	}
}

// repository returns the root folder of this repository.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func buildProxy(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aws-vault-proxy")
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./contrib/docker/proxy")
	c.Dir, c.Env = repository(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 8<<20 {
		t.Errorf("the proxy is %v large, %v, want a few MB", info.Size(), err)
	}
	return path
}

// systemd accepts the unit files in contrib/systemd.
func TestSystemdUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skipf("systemd is not here: %v", err)
	}
	dir := filepath.Join(repository(t), "contrib", "systemd")
	c := exec.Command(analyze, "verify", "--user", filepath.Join(dir, "aws-vault.service"), filepath.Join(dir, "aws-vault.socket"))
	c.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// The image contains only the proxy. Its build stage needs the Go image, which is not available here. The test
// therefore builds the proxy itself and replaces the build stage with the result.
func TestDockerfile(t *testing.T) {
	buildah, err := exec.LookPath("buildah")
	if err != nil {
		t.Skipf("buildah is not here: %v", err)
	}
	dir := newHome(t)
	run := func(otherwise func(string, ...any), args ...string) string {
		t.Helper()
		c := exec.Command(buildah, append([]string{"--storage-driver", "vfs", "--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run")}, args...)...)
		c.Dir, c.Env = repository(t), append(os.Environ(), "BUILDAH_ISOLATION=chroot")
		out, err := c.CombinedOutput()
		if err != nil {
			otherwise("buildah %s: %v: %s", args[0], err, out)
		}
		return string(out)
	}
	run(t.Skipf, "from", "--name", "nothing", "scratch") // skips the test if containers do not work here
	defer func() { run(t.Errorf, "rm", "nothing") }()
	proxy := buildProxy(t)
	run(t.Fatalf, "bud", "--format", "docker", "--build-context", "build="+filepath.Dir(proxy), "-f", "contrib/docker/Dockerfile", "-t", "aws-vault-proxy", ".")
	name := strings.TrimSpace(run(t.Fatalf, "from", "localhost/aws-vault-proxy"))
	defer func() { run(t.Errorf, "rm", name) }()
	root := strings.TrimSpace(run(t.Fatalf, "mount", name))
	var held []string
	files, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		held = append(held, f.Name())
	}
	if !slices.Equal(held, []string{"aws-vault-proxy"}) {
		t.Errorf("the image holds %q, want the proxy alone", held)
	}
	if config := run(t.Fatalf, "inspect", name); !strings.Contains(config, `"65534:65534"`) || !strings.Contains(config, "-check") {
		t.Errorf("the image runs as %s", config)
	}
}
