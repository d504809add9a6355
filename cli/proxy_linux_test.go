package cli_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"aws-vault/internal/fakeaws"
	"aws-vault/server"
	"aws-vault/vault/peer"
)

// sharedBinary is the path at which every user can run the test binary. The path exists only in the test's own
// namespaces.
const sharedBinary = "/run/test"

// namespaceVariable is set in a test that runs in its own network and mount namespaces, with its own /run.
const namespaceVariable = "TEST_INSIDE"

// The test binary can also be the unprivileged process of the proxy, or one of the programs below. The unprivileged
// process has no environment, so arguments select what the test binary does.
func init() {
	if len(os.Args) == 3 && os.Args[1] == "proxy" && os.Args[2] == "--hand-over" {
		program()
	}
	if len(os.Args) == 2 && os.Args[1] == metadataArgument {
		askMetadata()
	}
	if len(os.Args) == 3 && os.Args[1] == receiverArgument {
		runReceiver(os.Args[2])
	}
}

// receiverArgument makes the test binary a program that receives the listener from the proxy.
const receiverArgument = "test-taker"

// metadataArgument makes the test binary a program that requests the region from the metadata service.
const metadataArgument = "test-metadata"

func askMetadata() {
	r, err := http.NewRequest(http.MethodPut, "http://"+metadataAt+"/latest/api/token", nil)
	if err != nil {
		panic(err)
	}
	r.Host = strings.TrimSuffix(metadataAt, ":80") // most SDKs send this Host header
	r.Header.Set("X-aws-ec2-metadata-token-ttl-seconds", "60")
	status, token := ask(r)
	if status == http.StatusOK {
		r, err = http.NewRequest(http.MethodGet, "http://"+metadataAt+"/latest/meta-data/placement/region", nil)
		if err != nil {
			panic(err)
		}
		r.Header.Set("X-aws-ec2-metadata-token", token)
		status, token = ask(r)
	}
	fmt.Println(status, token)
	os.Exit(0)
}

func ask(r *http.Request) (status int, text string) {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

func runReceiver(path string) {
	l, err := server.ReceiveSocket(path, peer.ThisUser())
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("listening\n")
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(1)
		}
		io.WriteString(c, "hello")
		c.Close()
	}
}

// inNamespace runs the test a second time, in its own namespaces. It returns true in that second run, and false in the
// first.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceVariable) == "" {
		if os.Getuid() != 0 {
			t.Skip("only root can create a network namespace with other users")
		}
		c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
		c.Env = append(os.Environ(), namespaceVariable+"=1")
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
		out, err := c.CombinedOutput()
		if errors.Is(err, unix.EPERM) {
			t.Skipf("cannot create a network namespace: %v", err)
		}
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return false
	}
	for _, step := range []error{
		unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("tmpfs", "/run", "tmpfs", 0, ""),
		os.WriteFile(sharedBinary, nil, 0o755),
		unix.Mount(os.Args[0], sharedBinary, "", unix.MS_BIND, ""), // other users need this path, because they cannot access the directory of the test binary
		raise("lo"),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	return true
}

func raise(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

const (
	nobody      = 65534
	metadataAt  = "169.254.169.254:80"
	nobodysPath = "/var/run/aws-vault/ec2-65534.sock"
)

// startProxy starts a proxy for the user nobody. The second result reads the output of the proxy. It returns io.EOF
// when all processes of the proxy have ended.
func startProxy(t *testing.T) (c *exec.Cmd, says *bufio.Reader) {
	t.Helper()
	c = exec.Command(sharedBinary, "proxy")
	c.Env = []string{programVariable + "=1", "HOME=" + t.TempDir(), "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), quickRace, "SUDO_UID=65534"}
	shown, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	says = bufio.NewReader(shown)
	line, err := says.ReadString('\n')
	if err != nil || !strings.Contains(line, "providing 169.254.169.254 to user 65534") {
		t.Fatalf("the proxy printed %q, %v", line, err)
	}
	return c, says
}

// startReceiver starts, as the user nobody, a program that receives the listener. It returns the first line of its
// output.
func startReceiver(t *testing.T) (c *exec.Cmd, says string) {
	t.Helper()
	c = exec.Command(sharedBinary, receiverArgument, nobodysPath)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: unix.SIGKILL}
	c.Dir = "/"
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	says, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c, strings.TrimSpace(says)
}

// answer connects to the address of the metadata service, and returns the text that it receives.
func answer() (string, error) {
	c, err := net.Dial("tcp", metadataAt)
	if err != nil {
		return "", err
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	return string(text), err
}

// hasMetadataAddress reports whether a network interface of this machine has the address of the metadata service.
func hasMetadataAddress(t *testing.T) bool {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if strings.HasPrefix(a.String(), "169.254.169.254/") {
			return true
		}
	}
	return false
}

func TestProxy(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	proxy, _ := startProxy(t)
	if !hasMetadataAddress(t) {
		t.Fatal("the proxy did not add the address")
	}
	if _, err := answer(); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("error %v without a listener, want connection refused", err)
	}
	first, says := startReceiver(t)
	if says != "listening" {
		t.Fatal(says)
	}
	if text, err := answer(); text != "hello" {
		t.Errorf("answer %q, %v", text, err)
	}
	if _, says := startReceiver(t); !strings.Contains(says, "another process is using the socket") {
		t.Errorf("a second program gets %q", says)
	}
	first.Process.Kill()
	first.Wait()
	for says = ""; says != "listening"; {
		_, says = startReceiver(t)
	}
	if text, err := answer(); text != "hello" {
		t.Errorf("answer %q, %v", text, err)
	}
	if err := proxy.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := proxy.Wait(); err != nil {
		t.Errorf("the proxy ends with %v", err)
	}
	if _, err := os.Stat(nobodysPath); hasMetadataAddress(t) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the address or the socket still exists: %v, %v", hasMetadataAddress(t), err)
	}
}

// TestProxyIsKilled starts and kills a proxy, two times. All processes of the proxy must then end. The address of
// the metadata service may still exist for at most 30 s. The second proxy must be able to use that address.
func TestProxyIsKilled(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	for range 2 {
		proxy, says := startProxy(t)
		taker, output := startReceiver(t)
		if output != "listening" {
			t.Fatal(output)
		}
		if life := lifetime(t); life <= 0 || life > 30 {
			t.Errorf("the address expires after %d s, want at most 30 s", life)
		}
		proxy.Process.Kill()
		if _, err := io.ReadAll(says); err != nil {
			t.Fatal(err)
		}
		proxy.Wait()
		if c, err := net.Dial("unix", nobodysPath); err == nil {
			c.Close()
			t.Error("a process still accepts connections at the proxy's socket")
		}
		taker.Process.Kill()
		taker.Wait()
	}
}

// lifetime returns the number of seconds after which the kernel removes the address of the metadata service.
func lifetime(t *testing.T) uint32 {
	t.Helper()
	raw, err := syscall.NetlinkRIB(unix.RTM_GETADDR, unix.AF_INET)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		attributes, err := syscall.ParseNetlinkRouteAttr(&messages[i])
		if err != nil {
			continue
		}
		ours, life := false, uint32(0)
		for _, a := range attributes {
			switch a.Attr.Type {
			case unix.IFA_LOCAL:
				ours = string(a.Value) == "\xa9\xfe\xa9\xfe"
			case unix.IFA_CACHEINFO:
				life = binary.NativeEndian.Uint32(a.Value[4:])
			}
		}
		if ours {
			return life
		}
	}
	return 0
}

func TestProxyWithoutRights(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := exec.Command(sharedBinary, "proxy")
	c.Env = []string{programVariable + "=1", "HOME=" + t.TempDir(), quickRace}
	c.SysProcAttr, c.Dir = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}, "/"
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "hint: start the proxy as root: sudo aws-vault proxy") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestEC2Address runs exec --ec2-address as root, and then as the user nobody with the help of the proxy. In both
// cases, the server at the address of the metadata service must answer the user who runs exec. If root runs exec,
// the server must refuse the user nobody.
func TestEC2Address(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	fake, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	world := fake.Example()
	var proxy *exec.Cmd
	for _, who := range []uint32{0, nobody} {
		if who == nobody {
			proxy, _ = startProxy(t)
		}
		home := t.TempDir()
		if err := errors.Join(os.Chmod(filepath.Dir(home), 0o711), os.Chown(home, int(who), int(who))); err != nil {
			t.Fatal(err)
		}
		command := func(args ...string) *exec.Cmd {
			c := exec.Command(sharedBinary, args...)
			c.Env = []string{
				programVariable + "=1", "HOME=" + home, "PATH=/usr/bin:/bin", quickRace, "AWS_ENDPOINT_URL=" + fake.URL(),
				"AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=horse battery", "AWS_REGION=eu-west-1",
			}
			c.Dir = home
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who, Gid: who}, Pdeathsig: unix.SIGKILL}
			return c
		}
		run := func(stdin string, args ...string) (string, error) {
			c := command(args...)
			c.Stdin = strings.NewReader(stdin)
			out, err := c.CombinedOutput()
			return string(out), err
		}
		if out, err := run(world.Key.ID+"\n"+world.Key.Secret+"\n", "add", "--stdin", "alice"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		script := sharedBinary + " " + metadataArgument
		if who == 0 {
			script += "; setpriv --reuid=65534 --clear-groups " + sharedBinary + " " + metadataArgument
		}
		out, err := run("", "exec", "--ec2-server", "--ec2-address", "alice", "--", "sh", "-c", script)
		if who != 0 && !strings.Contains(out, "200 eu-west-1") {
			t.Errorf("user %d: %v\n%s", who, err, out)
		}
		if who == 0 && !(strings.Contains(out, "200 eu-west-1") && strings.Contains(out, "403 ")) {
			t.Errorf("user %d: %v\n%s", who, err, out)
		}
		if who == nobody {
			killProxyDuring(t, command("exec", "--ec2-server", "--ec2-address", "alice", "--", "sh", "-c", "echo ready; read line"), proxy)
		}
	}
}

// killProxyDuring starts exec with the address of the metadata service, kills the proxy, and expects a warning from
// exec.
func killProxyDuring(t *testing.T, c, proxy *exec.Cmd) {
	t.Helper()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = c.Stdout
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	shown := bufio.NewScanner(out)
	for _, want := range []string{"ready", "aws-vault proxy has ended"} {
		for !strings.Contains(shown.Text(), want) {
			if !shown.Scan() {
				t.Fatalf("the output does not contain %q", want)
			}
		}
		proxy.Process.Kill()
	}
	in.Close()
}
