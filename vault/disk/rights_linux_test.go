package disk

import (
	"encoding/hex"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReplacePreservingAttributes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "old")
	// The bytes represent this list: user::rw-, user:12345:r--, group::r--, mask::r--, other::---
	list, err := hex.DecodeString("02000000" + "01000600ffffffff" + "0200040039300000" + "04000400ffffffff" + "10000400ffffffff" + "20000000ffffffff")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"user.note": "kept", accessList: string(list)} {
		if err := unix.Setxattr(path, name, []byte(value), 0); err != nil {
			t.Skipf("no attribute %s on this file system: %v", name, err)
		}
	}
	if err := ReplacePreserving(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"user.note": "kept", accessList: string(list)} {
		have := make([]byte, 256)
		n, err := unix.Getxattr(path, name, have)
		if err != nil || string(have[:max(n, 0)]) != value {
			t.Errorf("%s is %x (%v), want %x", name, have[:max(n, 0)], err, value)
		}
	}
}
