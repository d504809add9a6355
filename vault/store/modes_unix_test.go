//go:build unix

package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aws-vault/vault/disk"
)

// TestModes checks the mode of each file that this package writes, with different umasks. It also checks that
// no file contains a secret.
func TestModes(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077} {
		w := newTestSessions(t)
		writeAll(t, w, mask)
		files := 0
		filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				t.Fatal(err)
			}
			info, err := e.Info()
			want := fs.FileMode(0o600)
			if e.IsDir() {
				want |= 0o100
			}
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %03o: %s has mode %v, want %v", mask, e.Name(), info.Mode().Perm(), want)
			}
			if e.IsDir() {
				return nil
			}
			files++
			text, err := os.ReadFile(path)
			for _, secret := range []string{testKeyID, testSecret, testToken, "123456"} {
				if err != nil || bytes.Contains(text, []byte(secret)) || strings.Contains(e.Name(), secret) {
					t.Errorf("%s holds the secret %s (%v)", e.Name(), secret, err)
				}
			}
			return nil
		})
		if files < 7 {
			t.Errorf("only %d files were written", files)
		}
	}
}

func writeAll(t *testing.T, w *testSessions, mask int) {
	defer syscall.Umask(syscall.Umask(mask))
	keys := &Keys{Ring: w.ring, Dir: disk.NewFolder(filepath.Join(w.dir, "generations"))}
	if err := keys.Put(t.Context(), "work", testKey); err != nil {
		t.Fatal(err)
	}
	codes := &Codes{Dir: disk.NewFolder(filepath.Join(w.dir, "codes")), Locks: w.Locks}
	_, d, err := codes.LockDevice(t.Context(), testSerial, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.MarkSent("123456"), d.Close()); err != nil {
		t.Fatal(err)
	}
	calls := 0
	if _, warnings, err := w.Get(t.Context(), Request{Name: nameA, Profile: "prod", Create: w.lasting(time.Hour, &calls)}); err != nil || warnings != nil {
		t.Fatal(warnings, err)
	}
	if _, _, err := w.Get(t.Context(), Request{Name: nameB, Create: failing(errBroken)}); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
}
