//go:build interop && linux

package interop

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/internal/fakecard"
)

// In TestYKMan, Yubico's ykman and aws-vault use the same security key. Each program reads the accounts that the
// other program has added, and both get the same codes. The programs reach the key first through the socket of
// package fakecard, then through Debian's pcscd.
func TestYKMan(t *testing.T) {
	if _, err := exec.LookPath("ykman"); err != nil {
		t.Skip("needs ykman: ", err)
	}
	t.Run("socket", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		socket := filepath.Join(w.home, "pcscd")
		service, err := fakecard.Listen(socket)
		if err != nil {
			t.Fatal(err)
		}
		defer service.Close()
		key := fakecard.New(fakecard.Options{})
		service.Insert("Yubico YubiKey OTP+FIDO+CCID 00 00", key)
		w.env = append(w.env, fakecard.SocketVariable+"="+socket)
		shareKey(w, key)
	})
	t.Run("pcscd", func(t *testing.T) {
		needPCSCD(t, "ykman")
		key := fakecard.New(fakecard.Options{Serial: 1001})
		startPCSCD(t, key, fakecard.New(fakecard.Options{Serial: 1002}))
		w := newWorld(t, "file", passphrase)
		w.env = append(w.env, "AWS_VAULT_CARD=1001")
		shareKey(w, key, "--reader", ourReader)
	})
}

// shareKey adds TOTP accounts to a security key, some with ykman and some with aws-vault. It checks that both
// programs read all accounts.
func shareKey(w *world, key *fakecard.Card, which ...string) {
	w.t.Helper()
	ykman := func(args ...string) string { return w.input("", "ykman", append(which, args...)...) }
	secret := w.MFA.Secret()
	w.input(secret, w.program, "mfa", "enroll", "--serial", w.MFA.Serial(), "--stdin", "--no-touch")
	w.input(secret, w.program, "mfa", "enroll", "--serial", "touched", "--stdin")
	ykman("oath", "accounts", "add", "theirs", secret)
	ykman("oath", "accounts", "add", "--touch", "--issuer", "Example", "theirs", secret)
	w.sameCode(ykman, w.MFA.Serial(), "touched", "theirs", "Example:theirs")
	list := w.vault("mfa", "list")
	if !strings.Contains(list, "Example:theirs") || strings.Count(list, "when touched") != 2 {
		w.t.Errorf("ours lists\n%s", list)
	}
	if n := key.Usage().Touches; n < 4 { // two accounts require a touch, and two programs read each of them
		w.t.Errorf("%d touches, want at least 4", n)
	}
	ykman("oath", "access", "change", "--new-password", "EXAMPLE")
	if out := w.fails("--prompt=terminal", "mfa", "list"); !strings.Contains(out, "terminal") {
		w.t.Errorf("no prompt for the password that ykman has set: %s", out)
	}
}

// sameCode checks that both programs return the same code for each account. If the codes differ, it compares once more,
// because a code may have expired between the programs.
func (w *world) sameCode(ykman func(...string) string, accounts ...string) {
	w.t.Helper()
	for _, account := range accounts {
		var ours, theirs string
		for range 2 {
			theirs = strings.TrimSpace(ykman("oath", "accounts", "code", "--single", account))
			ours = strings.TrimSpace(w.vault("mfa", "code", "--serial", account))
			if ours == theirs {
				break
			}
		}
		if ours != theirs || len(ours) != 6 {
			w.t.Errorf("%s: ours %s, ykman %s", account, ours, theirs)
		}
	}
}
