package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/disk"
)

// home creates a home directory with alice's key and two profiles that assume roles. It returns the environment for
// programs that use the home directory.
func home(t *testing.T, aws *fakeaws.AWS) (environ []string, dir string) {
	t.Helper()
	world := aws.Example()
	dir = t.TempDir()
	environ = []string{
		programVariable + "=1", "HOME=" + dir, "USER=alice", "PATH=" + os.Getenv("PATH"),
		"AWS_ENDPOINT_URL=" + aws.URL(), "AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=horse battery",
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), quickRace,
	}
	add := exec.Command(os.Args[0], "add", "--stdin", "alice")
	add.Env, add.Stdin = environ, strings.NewReader(world.Key.ID+"\n"+world.Key.Secret+"\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	config := "\n[profile asks]\nsource_profile = alice\nmfa_serial = " + world.MFA.Serial() + "\nrole_arn = " + world.Hub + "\n[profile r]\nsource_profile = alice\nrole_arn = " + world.ReadOnly + "\n"
	f, err := os.OpenFile(filepath.Join(dir, ".aws", "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(config); err != nil {
		t.Fatal(err)
	}
	return environ, dir
}

// TestLockOwnerIsKilled starts several processes. One process creates a session for all of them. The test kills
// this process during its call to AWS. Another process must then create the session, and all other processes must
// succeed.
func TestLockOwnerIsKilled(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, dir := home(t, aws)
	aws.Reset()
	aws.Fail(fakeaws.Fault{Action: "AssumeRole", Hang: true})

	const processes = 20
	var started [processes]*exec.Cmd
	var output [processes]strings.Builder
	for i := range started {
		c := exec.Command(os.Args[0], "exec", "r", "--", "true")
		c.Env, c.Stderr = environ, &output[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		started[i] = c
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := aws.Await(ctx, "AssumeRole", 1); err != nil {
		t.Fatal(err)
	}
	owner := lockOwner(t, dir)
	found := false
	for _, c := range started {
		if c.Process.Pid == owner {
			found = true
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !found {
		t.Fatalf("the lock is held by process %d, which this test did not start", owner)
	}
	for i, c := range started {
		err := c.Wait()
		if killed := c.Process.Pid == owner; killed != (err != nil) {
			t.Errorf("process %d (killed: %v): %v\n%s", c.Process.Pid, killed, err, output[i].String())
		}
	}
	if calls := aws.Actions(); len(calls) != 2 {
		t.Errorf("AWS was called %d times, want twice: %v", len(calls), calls)
	}
}

// lockOwner returns the id of the process that holds the only session lock.
func lockOwner(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, ".local", "state", "aws-vault", "locks", "session-*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d session locks, want one: %v", len(files), err)
	}
	raw, err := disk.NewFolder(filepath.Dir(files[0])).ReadNote(filepath.Base(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	var note struct{ Process int }
	if err := json.Unmarshal(raw, &note); err != nil {
		t.Fatal(err)
	}
	return note.Process
}

// TestCancelReachesWaitingProcesses cancels a prompt of one process. All processes that wait for the answer to that
// prompt must be cancelled too.
func TestCancelReachesWaitingProcesses(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, _ := home(t, aws)
	aws.Reset()
	const twenty = `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		{ "$0" exec asks -- true; echo status $?; } &
	done; wait`
	c := exec.Command("sh", "-c", twenty, os.Args[0])
	c.Env = environ
	tty, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var output bytes.Buffer
	typed := false
	for block := make([]byte, 4096); ; {
		n, err := tty.Read(block)
		output.Write(block[:n])
		// Cancel the prompt only when all other processes wait for it.
		if !typed && bytes.Contains(output.Bytes(), []byte("MFA code of")) && bytes.Count(output.Bytes(), []byte("waiting for process")) == 19 {
			typed = true
			if _, err := tty.Write([]byte{4}); err != nil { // Ctrl-D
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	c.Wait()
	text := output.String()
	if n := strings.Count(text, "\nMFA code of") + strings.Count(text, "\rMFA code of"); n != 1 {
		t.Errorf("%d prompts, want one\n%s", n, text)
	}
	if !strings.Contains(text, "which is busy with: MFA code of arn:aws:iam::123456789012:mfa/alice for profile asks") {
		t.Errorf("no process reports what it waits for\n%s", text)
	}
	if n := strings.Count(text, "status 130"); n != 20 {
		t.Errorf("%d processes ended with status 130, want 20\n%s", n, text)
	}
	if calls := aws.Actions(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}

// TestRefusalReachesWaitingProcesses makes AWS refuse the call of one process. All processes that wait for the result
// of that call must fail with the same error.
func TestRefusalReachesWaitingProcesses(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, _ := home(t, aws)
	aws.Reset()
	all := make(chan struct{})
	aws.Fail(fakeaws.Fault{Action: "AssumeRole", Times: -1, Until: all, Code: "AccessDenied", Status: 403, Message: "no"})

	const processes = 20
	c := exec.Command("sh", "-c", `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		{ "$0" exec r -- true || echo status $?; } &
	done; wait`, os.Args[0])
	c.Env = environ
	output := &countingWriter{awaited: "waiting for process", times: processes - 1, then: func() { close(all) }}
	c.Stdout, c.Stderr = output, output
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	text := output.text.String()
	if n := strings.Count(text, "AWS returned AccessDenied: no"); n != processes {
		t.Errorf("%d processes print the error of AWS, want %d\n%s", n, processes, text)
	}
	if n := strings.Count(text, "status 1\n"); n != processes {
		t.Errorf("%d processes failed, want %d\n%s", n, processes, text)
	}
	if calls := aws.Actions(); len(calls) != 1 {
		t.Errorf("AWS was called %d times, want once: %v", len(calls), calls)
	}
}

// A countingWriter counts how often a text is written to it, and calls a function at a given count.
type countingWriter struct {
	awaited string // the text to count
	times   int    // the count at which the function is called
	then    func()
	text    bytes.Buffer
	done    bool
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.text.Write(p)
	if !w.done && strings.Count(w.text.String(), w.awaited) == w.times {
		w.done = true
		w.then()
	}
	return len(p), nil
}
