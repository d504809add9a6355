package kernelkey

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Some tests run the test binary again, as another process that reads a secret.
const ringVariable = "KERNELKEY_TEST_RING"

func TestMain(m *testing.M) {
	ring, ok := os.LookupEnv(ringVariable)
	if !ok {
		os.Exit(m.Run())
	}
	// Join a new session, which does not have the user's keyring.
	if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil {
		panic(err)
	}
	secret, err := Ring{Name: ring}.Secret("other session")
	fmt.Print(string(secret), err)
	os.Exit(0)
}

// testRing returns a keyring for this test. It skips the test if the kernel provides no keyring.
func testRing(t *testing.T, rights Permissions) Ring {
	t.Helper()
	r := Ring{Name: fmt.Sprintf("aws-vault test %d %d", os.Getpid(), time.Now().UnixNano()), Permissions: rights}
	if err := r.Usable(); errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	t.Cleanup(func() { removeRing(r) })
	return r
}

// removeRing removes the keyring and its keys.
func removeRing(r Ring) {
	if id, err := r.find(); err == nil {
		unlink(id, unix.KEY_SPEC_USER_KEYRING)
	}
}

func put(t *testing.T, r Ring, name, secret string) {
	t.Helper()
	if err := retryWhenFull(func() error { return r.Put(name, []byte(secret), 0) }); err != nil {
		t.Fatal(err)
	}
}

// retryWhenFull calls the function act repeatedly while the user's quota is used up. The kernel frees the quota of
// removed keys with a short delay.
func retryWhenFull(act func() error) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if err := act(); !errors.Is(err, ErrFull) || time.Now().After(deadline) {
			return err
		}
	}
}

func wantSecret(t *testing.T, r Ring, name, secret string) {
	t.Helper()
	if have, err := r.Secret(name); err != nil || string(have) != secret {
		t.Errorf("Secret(%q) = %d bytes, %v, want %d", name, len(have), err, len(secret))
	}
}

func wantNone(t *testing.T, r Ring, name string) {
	t.Helper()
	if _, err := r.Secret(name); !errors.Is(err, ErrNotFound) {
		t.Errorf("Secret(%q): %v, want %v", name, err, ErrNotFound)
	}
	if has, err := r.Has(name); has || err != nil {
		t.Errorf("Has(%q) = %v, %v", name, has, err)
	}
}

func TestRing(t *testing.T) {
	r := testRing(t, Owner)
	wantNone(t, r, "one")
	if names, err := r.Names(); err != nil || len(names) != 0 {
		t.Errorf("Names = %q, %v", names, err)
	}
	if err := r.Remove("one"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Remove: %v, want %v", err, ErrNotFound)
	}
	if _, err := r.find(); !errors.Is(err, ErrNotFound) {
		t.Errorf("a read created a keyring: %v", err)
	}
	for _, secret := range []string{"a", strings.Repeat("b", 4096), strings.Repeat("c", 4097), "d"} {
		put(t, r, "one", secret)
		wantSecret(t, r, "one", secret)
	}
	put(t, r, "t;w;o", "e")
	if names, err := r.Names(); err != nil || !slices.Equal(names, []string{"one", "t;w;o"}) {
		t.Errorf("Names = %q, %v", names, err)
	}
	if has, err := r.Has("one"); !has || err != nil {
		t.Errorf("Has = %v, %v", has, err)
	}
	if err := r.Remove("one"); err != nil {
		t.Error(err)
	}
	wantNone(t, r, "one")
	if names, err := r.Names(); err != nil || !slices.Equal(names, []string{"t;w;o"}) {
		t.Errorf("after Remove, Names = %q, %v", names, err)
	}
	for _, size := range []int{0, MaxSecret + 1} {
		if err := r.Put("one", make([]byte, size), 0); err == nil {
			t.Errorf("Put accepted a secret of %d bytes", size)
		}
	}
}

// TestLongestSecret stores a secret of the maximum length. The kernel's default quota is too small for it, so the
// test is usually skipped.
func TestLongestSecret(t *testing.T) {
	r := testRing(t, Owner)
	longest := string(bytes.Repeat([]byte("x"), MaxSecret))
	err := r.Put("long", []byte(longest), 0)
	if errors.Is(err, ErrFull) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	wantSecret(t, r, "long", longest)
}

// TestReadFromOtherSession reads the secret in a process whose session does not have the user's keyring.
func TestReadFromOtherSession(t *testing.T) {
	for _, rights := range []Permissions{Owner, Possessors} {
		r := testRing(t, rights)
		put(t, r, "other session", "the secret")
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), ringVariable+"="+r.Name)
		if out, err := c.CombinedOutput(); err != nil || string(out) != "the secret<nil>" {
			t.Errorf("with permissions %x, another process read %q, %v", rights, out, err)
		}
	}
}

// TestPermissions reads the permissions from the kernel's descriptions of keys.
func TestPermissions(t *testing.T) {
	for _, rights := range []Permissions{Owner, Possessors} {
		r := testRing(t, rights)
		put(t, r, "one", "a")
		err := withUserKeyring(func() error {
			ring, err := r.find()
			if err != nil {
				return err
			}
			id, err := r.search("one")
			if err != nil {
				return err
			}
			for _, id := range []int{ring, id} {
				text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
				if want := fmt.Sprintf(";%08x;", rights); err != nil || !strings.Contains(text, want) {
					t.Errorf("the key is %q, %v, want %s", text, err, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLifetime reads the rounded expiry of keys from /proc/keys.
func TestLifetime(t *testing.T) {
	r := testRing(t, Owner)
	for life, ends := range map[time.Duration]string{time.Millisecond: "s", 50 * time.Minute: "m", 0: "perm"} {
		name := fmt.Sprintf("for %v in %s", life, r.Name)
		if err := r.Put(name, []byte("a"), life); err != nil {
			t.Fatal(err)
		}
		table, err := os.ReadFile("/proc/keys")
		if err != nil {
			t.Skip(err)
		}
		at := strings.Index(string(table), name+":")
		if at < 0 {
			t.Fatalf("the kernel does not list %q", name)
		}
		// Columns of /proc/keys: ID FLAGS USAGE TIMEOUT PERM UID GID TYPE DESCRIPTION
		fields := strings.Fields(string(table[bytes.LastIndexByte(table[:at], '\n')+1 : at]))
		if timeout := fields[3]; !strings.HasSuffix(timeout, ends) && !(ends == "s" && timeout == "expd") {
			t.Errorf("a key with a lifetime of %v has the timeout %s, want the unit %s", life, timeout, ends)
		}
	}
}

// TestRingIsCreatedOnce creates a keyring from several threads at once. All threads must get the same keyring,
// because a second keyring would replace the first one and its keys.
func TestRingIsCreatedOnce(t *testing.T) {
	for range 100 {
		r := testRing(t, Owner)
		start, all := make(chan struct{}), sync.WaitGroup{}
		var rings [8]int
		for i := range rings {
			all.Go(func() {
				<-start
				err := retryWhenFull(func() error {
					return withUserKeyring(func() (err error) {
						rings[i], err = r.findOrCreate()
						return err
					})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		if same := slices.Compact(rings[:]); len(same) != 1 {
			t.Fatalf("several keyrings were created: %v", same)
		}
		removeRing(r)
	}
}

// TestReplacedWhileRead simulates that a secret is replaced between the search and the read. searchAndRead must
// search again.
func TestReplacedWhileRead(t *testing.T) {
	found, broken := 0, errors.New("broken")
	search := func() (int, error) { found++; return found, nil }
	have, err := searchAndRead(search, func(id int) ([]byte, error) {
		if id < 3 {
			return nil, ErrNotFound
		}
		return []byte("third"), nil
	})
	if err != nil || string(have) != "third" || found != 3 {
		t.Errorf("read %q, %v after %d searches, want the third key", have, err, found)
	}
	if _, err := searchAndRead(search, func(int) ([]byte, error) { return nil, broken }); err != broken {
		t.Errorf("returned %v, want %v", err, broken)
	}
	_, err = searchAndRead(search, func(int) ([]byte, error) { return nil, ErrNotFound })
	if err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a secret that is always replaced returned %v, want an error other than ErrNotFound", err)
	}
}

// TestRevokedRing checks that a new keyring is created if the user has revoked the old keyring.
func TestRevokedRing(t *testing.T) {
	r := testRing(t, Owner)
	put(t, r, "one", "a")
	err := withUserKeyring(func() error {
		id, err := r.find()
		if err == nil {
			_, err = unix.KeyctlInt(unix.KEYCTL_REVOKE, id, 0, 0, 0)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantNone(t, r, "one")
	put(t, r, "one", "b")
	wantSecret(t, r, "one", "b")
}

func TestConvertErrors(t *testing.T) {
	for err, want := range map[error]error{
		nil: nil, unix.EACCES: unix.EACCES, unix.EDQUOT: ErrFull,
		unix.ENOKEY: ErrNotFound, unix.EKEYEXPIRED: ErrNotFound, unix.EKEYREVOKED: ErrNotFound,
	} {
		if have := convertError("read", err); !errors.Is(have, want) {
			t.Errorf("%v was converted to %v, want %v", err, have, want)
		}
	}
	for err, want := range map[error]error{
		unix.ENOSYS: ErrUnsupported, unix.EPERM: ErrUnsupported, unix.EOPNOTSUPP: ErrUnsupported, unix.EACCES: unix.EACCES,
	} {
		if have := convertUnsupported(convertError("link", err)); !errors.Is(have, want) {
			t.Errorf("%v was converted to %v, want %v", err, have, want)
		}
	}
}

func FuzzNameIn(f *testing.F) {
	for _, text := range []string{"user;0;0;3f3f0000;prod", "user;0;0;3f3f0000;a;b", "keyring;0;0;3f3f0000;x", "user;0;0;", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, ok := nameIn(text)
		if again, is := nameIn("user;0;0;3f3f0000;" + name); ok && (!is || again != name || !strings.HasSuffix(text, ";"+name)) {
			t.Errorf("%q is read as the name %q, and that name as %q", text, name, again)
		}
	})
}
