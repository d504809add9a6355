package keystore

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKeyctl runs in the kernel's own keyring, where the machine has one for us to use.
func TestKeyctl(t *testing.T) {
	needs(t)
	if _, err := unix.KeyctlJoinSessionKeyring("aws-vault test"); err != nil {
		t.Skipf("needs the kernel's keyrings: %v", err)
	}
	k, err := Open(t.Context(), Config{Backend: "keyctl", StateDir: t.TempDir()})
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if names, err := k.Keys.Names(t.Context()); err != nil || len(names) > 0 {
		t.Skipf("the user's keyring is in use: %q, %v", names, err)
	}
	t.Run("keys", func(t *testing.T) { testRing(t, k.Keys, ringTest{noStamp: true, dataOnly: true}) })
	t.Run("private", func(t *testing.T) { testRing(t, k.Private, ringTest{noStamp: true, private: true}) })
}
