//go:build interop && linux

package interop

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/vault/vaulttest/card"
)

// TestYKMan lets Yubico's program and ours read what the other has put on one key: the same
// accounts, and the same codes.
func TestYKMan(t *testing.T) {
	if _, err := exec.LookPath("ykman"); err != nil {
		t.Skip("needs ykman: ", err)
	}
	w := newWorld(t, "file", passphrase)
	socket := filepath.Join(w.home, "pcscd")
	service, err := card.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	key := card.New(card.Options{})
	service.Insert("Yubico YubiKey OTP+FIDO+CCID 00 00", key)
	w.env = append(w.env, card.SocketVariable+"="+socket)

	w.write("secret", w.MFA.Secret()+"\n")
	secret := func() string { return w.read("secret") }
	w.input(secret(), w.program, "mfa", "enroll", "--serial", w.MFA.Serial(), "--stdin", "--no-touch")
	w.input(secret(), w.program, "mfa", "enroll", "--serial", "touched", "--stdin")
	w.input("", "ykman", "oath", "accounts", "add", "theirs", secretOf(secret()))
	w.input("", "ykman", "oath", "accounts", "add", "--touch", "--issuer", "Example", "theirs", secretOf(secret()))
	w.sameCode(w.MFA.Serial(), "touched", "theirs", "Example:theirs")
	for _, account := range []string{"touched", "Example:theirs"} {
		if list := w.vault("mfa", "list"); !strings.Contains(list, account) || strings.Count(list, "when touched") != 2 {
			t.Errorf("ours lists\n%s", list)
		}
	}
	if key.Asked().Touches < 4 { // two accounts, each for both programs; more if a time ended in between
		t.Errorf("%d touches, want at least 4", key.Asked().Touches)
	}

	w.input("", "ykman", "oath", "access", "change", "--new-password", "EXAMPLE")
	if out, err := w.command(w.program, "--prompt=terminal", "mfa", "list").CombinedOutput(); err == nil || !strings.Contains(string(out), "terminal") {
		t.Errorf("a password that ykman has set is not asked for: %s", out)
	}
}

func secretOf(line string) string { return strings.TrimSpace(line) }

// sameCode has both programs read each account. If a code's time ends in between, once more.
func (w *world) sameCode(accounts ...string) {
	w.t.Helper()
	for _, account := range accounts {
		var ours, theirs string
		for range 2 {
			theirs = strings.TrimSpace(w.input("", "ykman", "oath", "accounts", "code", "--single", account))
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
