package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/vault/disk"
)

func TestCodes(t *testing.T) {
	w := newWorld(t)
	c := &Codes{Dir: disk.NewFolder(filepath.Join(w.dir, "codes")), Locks: w.Locks}
	device := func(serial string) *Device {
		t.Helper()
		_, d, err := c.Device(t.Context(), serial, "a code")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := device(testSerial)
	if d.Sent("123456") || d.Sent("") {
		t.Error("a code is known before any was sent")
	}
	for _, code := range []string{"123456", "654321"} {
		if err := d.Send(code); err != nil {
			t.Fatal(err)
		}
		if !d.Sent(code) || d.Sent(code+"0") || d.Sent("") {
			t.Errorf("after %s, what was sent is told wrongly", code)
		}
	}
	if d.Sent("123456") {
		t.Error("more than the last code is remembered")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := device(testSerial)
	if !again.Sent("654321") {
		t.Error("the code is forgotten")
	}
	again.Close()
	other := device(testSerial + "2")
	defer other.Close()
	if other.Sent("654321") {
		t.Error("the code of one device counts for another")
	}

	first, err := os.ReadFile(d.dir.File(d.file))
	if err != nil {
		t.Fatal(err)
	}
	d.Send("654321")
	second, err := os.ReadFile(d.dir.File(d.file))
	if err != nil || bytes.Equal(first, second) || bytes.Contains(second, []byte("654321")) {
		t.Errorf("the file holds %x and then %x, want another salt", first, second)
	}
	for _, damage := range [][]byte{nil, second[:40], append(second, 0)} {
		if err := os.WriteFile(d.dir.File(d.file), damage, 0o600); err != nil {
			t.Fatal(err)
		}
		if d.Sent("654321") {
			t.Errorf("%d bytes are believed", len(damage))
		}
	}
	if name := filepath.Base(d.dir.File(d.file)); strings.Contains(name, "bob") || strings.Contains(name, "123456789012") || len(name) != 32 {
		t.Errorf("the file is called %q", name)
	}
}

func TestCodesErrors(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Codes{Dir: disk.NewFolder(file), Locks: w.Locks}
	_, d, err := c.Device(t.Context(), testSerial, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Send("123456"); err == nil {
		t.Error("a code counts as noted that could not be")
	}
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errBroken)
	if _, _, err := c.Device(ctx, testSerial, ""); !errors.Is(err, errBroken) {
		t.Errorf("waiting for the device returned %v", err)
	}
	d.Close()
}
