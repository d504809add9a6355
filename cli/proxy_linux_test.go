package cli_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"aws-vault/server"
)

// insideVariable says that a test runs in a network and under a /run of its own.
const insideVariable = "TEST_INSIDE"

// The process without privileges is the test binary too, without an environment.
func init() {
	if len(os.Args) == 3 && os.Args[1] == "proxy" && os.Args[2] == "--hand-over" {
		program()
	}
	if len(os.Args) == 3 && os.Args[1] == takerArgument {
		beTaker(os.Args[2])
	}
}

// takerArgument makes the test binary a program of the user's that answers at the address.
const takerArgument = "test-taker"

func beTaker(path string) {
	l, err := server.TakeOver(path)
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

// inside runs the test once more in a network of its own, and reports whether this is that
// run.
func inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVariable) == "" {
		if os.Getuid() != 0 {
			t.Skip("only root may make a network of its own with other users in it")
		}
		c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
		c.Env = append(os.Environ(), insideVariable+"=1")
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
		out, err := c.CombinedOutput()
		if errors.Is(err, unix.EPERM) {
			t.Skipf("no network of its own is to be had here: %v", err)
		}
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return false
	}
	for _, step := range []error{
		unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("tmpfs", "/run", "tmpfs", 0, ""),
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

// startProxy starts one for nobody. What its processes say ends when all of them have.
func startProxy(t *testing.T) (c *exec.Cmd, says *bufio.Reader) {
	t.Helper()
	c = exec.Command(os.Args[0], "proxy")
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
	if err != nil || !strings.Contains(line, "169.254.169.254 is held for user 65534") {
		t.Fatalf("the proxy says %q, %v", line, err)
	}
	return c, says
}

// take has one of nobody's programs answer at the address.
func take(t *testing.T) (c *exec.Cmd, says string) {
	t.Helper()
	c = exec.Command(os.Args[0], takerArgument, nobodysPath)
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

// answer is what is said at the address of the metadata service.
func answer() (string, error) {
	c, err := net.Dial("tcp", metadataAt)
	if err != nil {
		return "", err
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	return string(text), err
}

func held(t *testing.T) bool {
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
	if !inside(t) {
		return
	}
	proxy, _ := startProxy(t)
	if !held(t) {
		t.Fatal("the address is not there")
	}
	if _, err := answer(); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("error %v while nobody answers, want a refusal", err)
	}
	first, says := take(t)
	if says != "listening" {
		t.Fatal(says)
	}
	if text, err := answer(); text != "hello" {
		t.Errorf("answer %q, %v", text, err)
	}
	if _, says := take(t); !strings.Contains(says, "another process has it") {
		t.Errorf("a second program is told %q", says)
	}
	first.Process.Kill()
	first.Wait()
	for says = ""; says != "listening"; {
		_, says = take(t)
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
	if _, err := os.Stat(nobodysPath); held(t) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the address or the socket is left: %v, %v", held(t), err)
	}
}

// A proxy that was killed leaves no process, and an address that the kernel takes away by
// itself, or that the next one takes over.
func TestProxyIsKilled(t *testing.T) {
	if !inside(t) {
		return
	}
	for range 2 {
		proxy, says := startProxy(t)
		taker, said := take(t)
		if said != "listening" {
			t.Fatal(said)
		}
		if life := lifetime(t); life <= 0 || life > 30 {
			t.Errorf("the kernel keeps the address for %d seconds, want up to 30", life)
		}
		proxy.Process.Kill()
		if _, err := io.ReadAll(says); err != nil {
			t.Fatal(err)
		}
		proxy.Wait()
		if c, err := net.Dial("unix", nobodysPath); err == nil {
			c.Close()
			t.Error("somebody still hands the address over")
		}
		taker.Process.Kill()
		taker.Wait()
	}
}

// lifetime is for how many seconds the kernel keeps the address.
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
	c := exec.Command(os.Args[0], "proxy")
	c.Env = []string{programVariable + "=1", "HOME=" + t.TempDir(), quickRace}
	if os.Getuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		c.Dir = "/"
	}
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "hint: sudo aws-vault proxy") {
		t.Errorf("%v: %s", err, out)
	}
}
