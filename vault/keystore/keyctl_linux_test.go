package keystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"aws-vault/vault/keystore/kernelkey"
)

// openTestKernel opens keyrings with unique names, and removes the keyrings after the test. It skips the test if
// the kernel provides no keyring.
func openTestKernel(t *testing.T) (k *Keystore, service string) {
	t.Helper()
	service = fmt.Sprintf("aws-vault test %d %d", os.Getpid(), time.Now().UnixNano())
	k, err := openKernel(t.Context(), service)
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	k.Keys, k.Private = retryWhenFull{k.Keys}, retryWhenFull{k.Private}
	t.Cleanup(func() {
		for _, name := range []string{service, service + "-private"} {
			if id, err := findKey(unix.KEY_SPEC_USER_KEYRING, "keyring", name); err == nil {
				unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_USER_KEYRING, 0, 0)
			}
		}
	})
	return k, service
}

// retryWhenFull is a ring that repeats Put while the user's quota is used up. The kernel frees the quota of
// removed keys with a short delay.
type retryWhenFull struct{ Ring }

func (r retryWhenFull) Put(ctx context.Context, it Item) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if err := r.Ring.Put(ctx, it); !errors.Is(err, kernelkey.ErrFull) || time.Now().After(deadline) {
			return err
		}
	}
}

func findKey(ring int, kind, name string) (int, error) { return unix.KeyctlSearch(ring, kind, name, 0) }

func TestKeyctl(t *testing.T) {
	k, service := openTestKernel(t)
	names := []string{"a/b", "semi;colon", "arn:aws:iam::123456789012:mfa/x"}
	if _, err := findKey(unix.KEY_SPEC_USER_KEYRING, "keyring", service); !errors.Is(err, unix.ENOKEY) {
		t.Errorf("openKernel created a keyring: %v", err)
	}
	t.Run("keys", func(t *testing.T) { testRing(t, k.Keys, ringTest{noStamp: true, dataOnly: true, names: names}) })
	t.Run("private", func(t *testing.T) { testRing(t, k.Private, ringTest{noStamp: true, private: true}) })
	t.Run("lists semicolons", func(t *testing.T) {
		mustPut(t, k.Keys, testItem("semi;colon"), testItem("a"))
		if have, err := k.Keys.Names(t.Context()); err != nil || !slices.Equal(have, []string{"a", "semi;colon"}) {
			t.Errorf("Names = %q, %v", have, err)
		}
	})
	t.Run("sizes", func(t *testing.T) {
		for _, data := range [][]byte{nil, make([]byte, 1<<15)} {
			err := k.Keys.Put(t.Context(), Item{Name: "sized", Data: data})
			if err == nil || !strings.HasPrefix(err.Error(), "keyctl: ") {
				t.Errorf("Put of %d bytes returned %v", len(data), err)
			}
		}
		large := Item{Name: "sized", Data: []byte(strings.Repeat("s", 8<<10))}
		mustPut(t, k.Keys, large)
		wantItem(t, k.Keys, large, ringTest{dataOnly: true})
	})
}

// TestKeyctlWithAWSVault7 checks that this package and the library of aws-vault 7 read, list, replace and remove
// each other's items. Both must set the same permissions.
func TestKeyctlWithAWSVault7(t *testing.T) {
	openTestKernel(t) // skips the test, if necessary, before any program is built
	s := buildAWSVault7(t, keyctlBackend)
	t.Run("inherited session", func(t *testing.T) { testKeyctlWithAWSVault7(t, s) })
	t.Run("session without the user's keyring", func(t *testing.T) {
		runtime.LockOSThread() // without UnlockOSThread, the thread and its session keyring end with the goroutine
		if _, err := unix.KeyctlJoinSessionKeyring("aws-vault test"); err != nil {
			t.Fatal(err)
		}
		testKeyctlWithAWSVault7(t, s)
	})
	t.Run("rights", func(t *testing.T) { testKeyctlRights(t, s) })
}

// testKeyctlWithAWSVault7 runs on the current thread, which may have its own session keyring.
func testKeyctlWithAWSVault7(t *testing.T, s awsVault7) {
	is := ringTest{dataOnly: true, noStamp: true}
	k, service := openTestKernel(t)
	s.env = []string{"SEVEN_SERVICE=" + service}
	testAWSVault7(t, s, k, is) // in a keyring that we create

	k, service = openTestKernel(t)
	s.env = []string{"SEVEN_SERVICE=" + service}
	s.run(t, nil, "list")
	testAWSVault7(t, s, k, is) // in a keyring that the library created
}

// testKeyctlRights compares the kernel's descriptions of our keys with its descriptions of the library's keys.
func testKeyctlRights(t *testing.T, s awsVault7) {
	k, ours := openTestKernel(t)
	_, theirs := openTestKernel(t)
	mustPut(t, k.Keys, testItem("a"))
	s.env = []string{"SEVEN_SERVICE=" + theirs}
	s.run(t, encodePayload(testItem("a")), "set")

	ourRing, have := describeKey(t, unix.KEY_SPEC_USER_KEYRING, "keyring", ours)
	theirRing, want := describeKey(t, unix.KEY_SPEC_USER_KEYRING, "keyring", theirs)
	if have != want {
		t.Errorf("our keyring is described as %q, the library's as %q", have, want)
	}
	_, have = describeKey(t, ourRing, "user", "a")
	if _, want = describeKey(t, theirRing, "user", "a"); have != want {
		t.Errorf("our key is described as %q, the library's as %q", have, want)
	}
}

// describeKey returns a key's ID and the kernel's description of the key without its name.
func describeKey(t *testing.T, ring int, kind, name string) (id int, text string) {
	t.Helper()
	id, err := findKey(ring, kind, name)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = unix.KeyctlString(unix.KEYCTL_DESCRIBE, id); err != nil {
		t.Fatal(err)
	}
	return id, strings.TrimSuffix(text, name)
}

func TestKeyctlEnded(t *testing.T) {
	k, _ := openTestKernel(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := openKernel(ctx, "any"); !errors.Is(err, ctx.Err()) {
		t.Errorf("openKernel with a canceled context: %v", err)
	}
	if err := k.Keys.Check(ctx); !errors.Is(err, ctx.Err()) {
		t.Errorf("Check with a canceled context: %v", err)
	}
}
