package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"aws-vault/internal/fakeaws"
)

// codeVariable names the variable that makes the test binary print an MFA code. Its value is the URL of the fake AWS.
const codeVariable = "TEST_AS_CODE_OF"

// printNextCode moves the clock of the fake AWS forward, and prints a new MFA code.
func printNextCode(url string) {
	for _, ask := range []struct{ method, path string }{
		{http.MethodPost, "advance?by=30s"}, {http.MethodGet, "code?serial=arn:aws:iam::123456789012:mfa/alice"},
	} {
		r, err := http.NewRequest(ask.method, url+"/_fake/"+ask.path, nil)
		if err != nil {
			os.Exit(1)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			os.Exit(1)
		}
		if ask.method == http.MethodGet {
			io.Copy(os.Stdout, resp.Body)
		}
	}
	os.Exit(0)
}

// A rotationTest is a test of a rotation that is killed.
type rotationTest struct {
	*testing.T
	aws     *fakeaws.AWS
	environ []string
	dir     string
	watcher fakeaws.Key // the key of another user; the test uses it to list alice's keys
	pid     chan int    // contains the id of the running process
}

func newRotationTest(t *testing.T, config func(*fakeaws.AWS) string) *rotationTest {
	t.Helper()
	fake, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	r := &rotationTest{T: t, aws: fake, pid: make(chan int, 1)}
	r.environ, r.dir = home(t, fake)
	r.watcher = fake.AddUser("123456789012", "watcher").AddKey()
	if err := os.WriteFile(filepath.Join(r.dir, ".aws", "config"), []byte(config(fake)), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs the program. It returns the program's output, and whether the program was killed. If the program fails
// without being killed, the test fails.
func (r *rotationTest) run(env []string, args ...string) (output string, killed bool) {
	r.Helper()
	output, killed, ok := r.try(env, args...)
	if !ok && !killed {
		r.Fatalf("%v failed:\n%s", args, output)
	}
	return output, killed
}

// try runs the program. The result ok reports whether the program succeeded.
func (r *rotationTest) try(env []string, args ...string) (output string, killed, ok bool) {
	r.Helper()
	c := exec.Command(os.Args[0], args...)
	var out bytes.Buffer
	c.Env, c.Stdout, c.Stderr = append(r.environ, env...), &out, &out
	if err := c.Start(); err != nil {
		r.Fatal(err)
	}
	r.pid <- c.Process.Pid
	defer func() { <-r.pid }()
	err := c.Wait()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		r.Fatal(err)
	}
	return out.String(), err != nil && !status.Exited(), err == nil
}

// keysAtIAM returns the access keys that alice has at IAM.
func (r *rotationTest) keysAtIAM() []types.AccessKeyMetadata {
	r.Helper()
	client := iam.New(iam.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(r.aws.URL()),
		Credentials: credentials(r.watcher.ID, r.watcher.Secret),
	})
	out, err := client.ListAccessKeys(r.Context(), &iam.ListAccessKeysInput{UserName: aws.String("alice")})
	if err != nil {
		r.Fatal(err)
	}
	return out.AccessKeyMetadata
}

// checkOneKey checks the state after a finished rotation: IAM has one key, which is active and stored, and there is no
// journal. It returns the id of the key.
func (r *rotationTest) checkOneKey(when string) string {
	r.Helper()
	keys := r.keysAtIAM()
	if len(keys) != 1 || keys[0].Status != types.StatusTypeActive {
		r.Fatalf("%s: alice's keys are %s, want one active key", when, keyList(keys))
	}
	if stored := r.storedKeyID(); stored != *keys[0].AccessKeyId {
		r.Fatalf("%s: %s is stored, and AWS has %s", when, stored, *keys[0].AccessKeyId)
	}
	if output, _, ok := r.try(nil, "rotate", "--resume", "alice"); ok || !strings.Contains(output, "no rotation of key") {
		r.Fatalf("%s: the journal still exists\n%s", when, output)
	}
	return *keys[0].AccessKeyId
}

// storedKeyID returns the id of the access key in the keystore.
func (r *rotationTest) storedKeyID() string {
	r.Helper()
	output, _ := r.run(nil, "export", "--no-session", "alice")
	for line := range strings.Lines(output) {
		if id, ok := strings.CutPrefix(line, "AWS_ACCESS_KEY_ID="); ok {
			return strings.TrimSpace(id)
		}
	}
	r.Fatalf("no key is stored:\n%s", output)
	return ""
}

// checkStoredKeyWorks checks that AWS accepts the stored key. AWS must accept it at all times, even during a rotation.
func (r *rotationTest) checkStoredKeyWorks(when string) {
	r.Helper()
	id := r.storedKeyID()
	for _, k := range r.keysAtIAM() {
		if *k.AccessKeyId == id && k.Status == types.StatusTypeActive {
			return
		}
	}
	r.Fatalf("%s: the stored key %s does not work; AWS has %s", when, id, keyList(r.keysAtIAM()))
}

func keyList(keys []types.AccessKeyMetadata) string {
	var texts []string
	for _, k := range keys {
		texts = append(texts, fmt.Sprintf("%s (%s)", *k.AccessKeyId, k.Status))
	}
	return strings.Join(texts, ", ")
}

func credentials(id, secret string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
	})
}

// killAt kills the process that calls AWS, at the instant for which the function "now" returns true. Each call to
// AWS has two instants. At the first instant, the argument "done" is false. A kill at this instant prevents the
// call. At the second instant, the argument "done" is true. A kill at this instant only loses the response.
func (r *rotationTest) killAt(now func(c fakeaws.Call, done bool) bool) {
	var lock sync.Mutex
	r.aws.Watch(func(c fakeaws.Call, done bool) bool {
		lock.Lock()
		defer lock.Unlock()
		if !now(c, done) {
			return false
		}
		pid := <-r.pid
		r.pid <- pid
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Kill()
		}
		if err != nil {
			r.Error(err)
		}
		return true
	})
}

// nth returns a function for killAt that selects the n-th instant.
func nth(n int) func(fakeaws.Call, bool) bool {
	return func(fakeaws.Call, bool) bool {
		n--
		return n == 0
	}
}

// A failurePoint describes one failure: the instant at which the program is killed, or the keystore change that fails.
type failurePoint struct {
	name string
	call int // the number of the instant, counted over all calls to AWS; 0 for a failure in the keystore
	env  string
}

// atEachPoint runs the program with these arguments many times. Before each run it calls begin, and after each run it
// calls after, which checks the result. Each run has one failure: it is killed at an instant of a call to AWS, it is
// killed at an instant of a keystore change, or a keystore change fails. There is one run for each possible failure.
func atEachPoint(t *testing.T, config func(*fakeaws.AWS) string, begin func(*rotationTest), args []string, after func(r *rotationTest, when string)) {
	t.Parallel()
	kinds := []func(n int) failurePoint{
		func(n int) failurePoint { return failurePoint{"killed at instant %d of calls", n, ""} },
		func(n int) failurePoint { return failurePoint{"killed at instant %d of the keystore", 0, killVariable} },
		func(n int) failurePoint { return failurePoint{"change %d of the keystore failed", 0, failVariable} },
	}
	for _, kind := range kinds {
		points := 0
		for n, more := 1, true; more; n++ {
			p := kind(n)
			when := fmt.Sprintf(p.name, n)
			r := newRotationTest(t, config)
			begin(r)
			var env []string
			if p.call > 0 {
				r.killAt(nth(p.call))
			} else {
				env = []string{fmt.Sprintf("%s=%d", p.env, n)}
			}
			output, killed, ok := r.try(env, args...)
			r.aws.Watch(nil)
			more = killed || strings.Contains(output, "no space left on device")
			if !more && !ok {
				t.Fatalf("%s: %s", when, output)
			}
			if more {
				points++
				r.checkStoredKeyWorks(when)
			}
			after(r, when)
		}
		if points < 3 {
			t.Errorf("only %d points of the kind: "+kind(0).name, points, 0)
		}
	}
}

func plain(*fakeaws.AWS) string { return "[profile alice]\n" }

// withMFA returns a config in which a rotation needs an MFA code. A program provides the code.
func withMFA(fake *fakeaws.AWS) string {
	return fmt.Sprintf("[profile alice]\nmfa_serial = %s\nmfa_process = env -u %s %s=%s %s\n[profile hub]\nsource_profile = alice\nrole_arn = arn:aws:iam::123456789012:role/hub\n[profile prod]\nsource_profile = hub\nrole_arn = arn:aws:iam::210987654321:role/prod\n",
		"arn:aws:iam::123456789012:mfa/alice", programVariable, codeVariable, fake.URL(), os.Args[0])
}

// TestRotationIsKilled kills a rotation before and after each call to AWS and each keystore change. In other runs, one
// of the keystore changes fails. After the next rotation, there must be one key, which is active and stored.
func TestRotationIsKilled(t *testing.T) {
	atEachPoint(t, plain, func(*rotationTest) {}, []string{"rotate", "alice"}, func(r *rotationTest, when string) {
		r.run(nil, "rotate", "alice")
		r.checkOneKey(when)
	})
}

// TestRotationWithMFAIsKilled is like TestRotationIsKilled, but the rotation needs an MFA code, and two roles are
// assumed with the key.
func TestRotationWithMFAIsKilled(t *testing.T) {
	atEachPoint(t, withMFA, func(*rotationTest) {}, []string{"rotate", "prod"}, func(r *rotationTest, when string) {
		r.run(nil, "rotate", "prod")
		r.checkOneKey(when)
	})
}

// TestUndoIsKilled kills rotate --undo at each instant. Before each run, it kills a rotation just after the call
// UpdateAccessKey. A rotation can still be undone at this instant, but not later.
func TestUndoIsKilled(t *testing.T) {
	var old string
	begin := func(r *rotationTest) {
		old = r.storedKeyID()
		r.killAt(func(c fakeaws.Call, done bool) bool { return c.Action == "UpdateAccessKey" && done })
		if output, killed := r.run(nil, "rotate", "alice"); !killed {
			t.Fatalf("not killed:\n%s", output)
		}
		r.aws.Watch(nil)
		if r.storedKeyID() == old {
			t.Fatal("the new key is not stored yet")
		}
	}
	atEachPoint(t, plain, begin, []string{"rotate", "--undo", "alice"}, func(r *rotationTest, when string) {
		if output, _, ok := r.try(nil, "rotate", "--undo", "alice"); !ok && !strings.Contains(output, "no rotation of key") {
			t.Fatalf("%s: %s", when, output)
		}
		if id := r.checkOneKey(when); id != old {
			t.Errorf("%s: %s is back, want %s", when, id, old)
		}
	})
}
