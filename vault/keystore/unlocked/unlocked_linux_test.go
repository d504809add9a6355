package unlocked

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Some tests run the test binary again, as a second process that reads the key. These environment variables
// configure that process.
const (
	nameVariable    = "WAITING_TEST_NAME"
	sessionVariable = "WAITING_TEST_FRESH"
)

func TestMain(m *testing.M) {
	name := os.Getenv(nameVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if os.Getenv(sessionVariable) != "" { // join a new session, which does not have the user's keyring
		if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil {
			panic(err)
		}
	}
	k, err := Get(name, time.Now())
	if err != nil {
		os.Stdout.WriteString(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString(k.ID)
	os.Exit(0)
}

func testKey() Key {
	k := Key{ID: "0123456789abcdef", Until: time.Now().Add(time.Hour).Truncate(time.Second)}
	k.Secret[0], k.Secret[31] = 1, 2
	return k
}

// putTestKey stores the test's key. It skips the test if the kernel provides no keyring.
func putTestKey(t *testing.T) string {
	t.Helper()
	name := "aws-vault test " + t.Name() + time.Now().String()
	err := Put(name, testKey(), time.Now())
	if errors.Is(err, ErrUnsupported) {
		t.Skip("the kernel provides no keyring")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Remove(name) })
	return name
}

func TestPutAndRemove(t *testing.T) {
	name := putTestKey(t)
	if k, err := Get(name, time.Now()); err != nil || k != testKey() {
		t.Errorf("found %v, %v", k, err)
	}
	second := testKey()
	second.ID = "fedcba9876543210"
	if err := Put(name, second, time.Now()); err != nil {
		t.Fatal(err)
	}
	if k, err := Get(name, time.Now()); err != nil || k.ID != second.ID {
		t.Errorf("found %v, %v, want the second key", k, err)
	}
	for range 2 {
		if err := Remove(name); err != nil {
			t.Fatal(err)
		}
		if k, err := Get(name, time.Now()); !errors.Is(err, ErrNotFound) {
			t.Errorf("after Remove, found %v, %v", k, err)
		}
	}
}

func TestFoundByOtherProcesses(t *testing.T) {
	name := putTestKey(t)
	for _, session := range []string{"", "yes"} {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), nameVariable+"="+name, sessionVariable+"="+session)
		out, err := c.Output()
		if err != nil || string(out) != testKey().ID {
			t.Errorf("another process (new session: %q) found %q, %v", session, out, err)
		}
	}
}

// TestPossessorsOnly reads the key's permissions from the kernel's description of the key.
func TestPossessorsOnly(t *testing.T) {
	name := putTestKey(t)
	runtime.LockOSThread() // the thread's own keyring determines whether the thread possesses the key
	defer runtime.UnlockOSThread()
	if _, err := unix.KeyctlInt(unix.KEYCTL_LINK, unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING, 0, 0); err != nil {
		t.Fatal(err)
	}
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, "user", name, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
	if want := ";3f000000;"; err != nil || !strings.Contains(text, want) {
		t.Errorf("the key is %q, %v, want %s", text, err, want)
	}
}

func TestExpired(t *testing.T) {
	name := putTestKey(t)
	if k, err := Get(name, testKey().Until); !errors.Is(err, ErrNotFound) {
		t.Errorf("after the key expired, found %v, %v", k, err)
	}
	if k, err := Get(name, time.Now()); !errors.Is(err, ErrNotFound) {
		t.Errorf("an expired key was found after the clock was set back: %v, %v", k, err)
	}
	if err := Put(name, Key{Until: time.Now()}, time.Now()); err == nil {
		t.Error("Put accepted a key that expires at once")
	}
}

func TestMachineSlept(t *testing.T) {
	defer func() { timeAsleep = sleptTime }()
	name := putTestKey(t)
	for _, test := range []struct {
		nap  time.Duration
		want error
	}{{sleepTolerance / 2, nil}, {2 * sleepTolerance, ErrNotFound}} {
		timeAsleep = func() (time.Duration, error) {
			d, err := sleptTime()
			return d + test.nap, err
		}
		if _, err := Get(name, time.Now()); !errors.Is(err, test.want) {
			t.Errorf("after a suspend of %s: %v, want %v", test.nap, err, test.want)
		}
	}
	timeAsleep = sleptTime
	if _, err := Get(name, time.Now()); !errors.Is(err, ErrNotFound) {
		t.Errorf("a key was found that a suspend had ended: %v", err)
	}
	broken := errors.New("no clock")
	timeAsleep = func() (time.Duration, error) { return 0, broken }
	if err := Put(name, testKey(), time.Now()); !errors.Is(err, broken) {
		t.Errorf("without a clock: %v", err)
	}
}

// TestForeignKey stores data in another format. Get must return ErrNotFound.
func TestForeignKey(t *testing.T) {
	name := putTestKey(t)
	if err := put(name, []byte("not ours"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if k, err := Get(name, time.Now()); !errors.Is(err, ErrNotFound) {
		t.Errorf("found %v, %v", k, err)
	}
	if k, err := Get(name+" that does not exist", time.Now()); !errors.Is(err, ErrNotFound) {
		t.Errorf("found %v, %v", k, err)
	}
	if err := Put(name, Key{ID: "a name that is too long to be one", Until: time.Now().Add(time.Hour)}, time.Now()); err == nil {
		t.Error("Put accepted a key with a long ID")
	}
}

func TestKeyPrintsNoSecret(t *testing.T) {
	if text := testKey().GoString(); text != "key 0123456789abcdef" {
		t.Errorf("a key prints as %q", text)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(testKey(), time.Second))
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, away, ok := decode(raw)
		if ok && string(encode(k, away)) != string(raw) {
			t.Errorf("decoding and encoding %x does not return the same bytes", raw)
		}
	})
}

// TestPutErrors checks that an error about an invalid key names only what is wrong.
func TestPutErrors(t *testing.T) {
	now := time.Now()
	for want, k := range map[string]Key{
		"the unlocked key is valid for 500ms, expected at least 1s":    {ID: "a", Until: now.Add(500 * time.Millisecond)},
		"the ID of the unlocked key has 17 bytes, expected at most 16": {ID: strings.Repeat("a", 17), Until: now.Add(time.Hour)},
		"the unlocked key is valid for -1h0m0s, expected at least 1s":  {ID: strings.Repeat("a", 17), Until: now.Add(-time.Hour)},
	} {
		if err := Put("aws-vault test of errors", k, now); err == nil || err.Error() != want {
			t.Errorf("Put: %v, want %s", err, want)
		}
	}
}
