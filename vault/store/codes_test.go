package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/keystoretest"
)

func TestCodes(t *testing.T) {
	w := newTestSessions(t)
	c := &Codes{Dir: disk.NewFolder(filepath.Join(w.dir, "codes")), Locks: w.Locks}
	device := func(serial string) *DeviceLock {
		t.Helper()
		_, d, err := c.LockDevice(t.Context(), serial, "a code")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := device(testSerial)
	if d.WasSent("123456") || d.WasSent("") {
		t.Error("WasSent is true before any code was sent")
	}
	for _, code := range []string{"123456", "654321"} {
		if err := d.MarkSent(code); err != nil {
			t.Fatal(err)
		}
		if !d.WasSent(code) || d.WasSent(code+"0") || d.WasSent("") {
			t.Errorf("after code %s was sent, WasSent is wrong", code)
		}
	}
	if d.WasSent("123456") {
		t.Error("an earlier code is still remembered")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := device(testSerial)
	if !again.WasSent("654321") {
		t.Error("a new lock of the device does not know the code")
	}
	again.Close()
	other := device(testSerial + "2")
	defer other.Close()
	if other.WasSent("654321") {
		t.Error("another device knows the code")
	}

	first, err := os.ReadFile(c.Dir.File(d.file))
	if err != nil {
		t.Fatal(err)
	}
	d.MarkSent("654321")
	second, err := os.ReadFile(c.Dir.File(d.file))
	if err != nil || bytes.Equal(first, second) || bytes.Contains(second, []byte("654321")) {
		t.Errorf("the file holds %x and then %x, want a new salt each time", first, second)
	}
	for _, damage := range [][]byte{nil, second[:40], append(second, 0)} {
		if err := os.WriteFile(c.Dir.File(d.file), damage, 0o600); err != nil {
			t.Fatal(err)
		}
		if d.WasSent("654321") {
			t.Errorf("a damaged file of %d bytes was accepted", len(damage))
		}
	}
	if name := filepath.Base(c.Dir.File(d.file)); strings.Contains(name, "bob") || strings.Contains(name, "123456789012") || len(name) != 32 {
		t.Errorf("the file name is %q, want 32 digits without the serial number", name)
	}
}

func TestCodesErrors(t *testing.T) {
	w := newTestSessions(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Codes{Dir: disk.NewFolder(file), Locks: w.Locks}
	_, d, err := c.LockDevice(t.Context(), testSerial, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.MarkSent("123456"); err == nil {
		t.Error("MarkSent returned nil although the code could not be recorded")
	}
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errBroken)
	if _, _, err := c.LockDevice(ctx, testSerial, ""); !errors.Is(err, errBroken) {
		t.Errorf("waiting for the device returned %v", err)
	}
	d.Close()
}

// Without a state folder, codes are remembered only in the process, and the index and the history stay empty.
func TestWithoutFolder(t *testing.T) {
	w := newTestSessions(t).withoutFolder(t)
	c := &Codes{Locks: w.Locks}
	_, d, err := c.LockDevice(t.Context(), testSerial, "")
	if err != nil {
		t.Fatal(err)
	}
	if d.WasSent("123456") || d.MarkSent("123456") != nil || !d.WasSent("123456") || d.WasSent("654321") {
		t.Error("the code is not remembered within the process")
	}
	d.Close()
	keys := &Keys{Ring: keystoretest.New()}
	if err := keys.Put(t.Context(), "work", testKey); err != nil {
		t.Error(err)
	}
	if _, ok, err := keys.Fingerprint(t.Context(), "work"); !ok || err != nil {
		t.Errorf("the key's fingerprint: %v, %v", ok, err)
	}
	calls := 0
	for range 2 {
		if _, warnings, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)}); err != nil || warnings != nil {
			t.Errorf("Get returned the warnings %v and the error %v", warnings, err)
		}
	}
	if list, warnings, err := w.List(t.Context()); calls != 1 || len(list) != 1 || warnings != nil || err != nil {
		t.Errorf("created %d sessions, listed %d, %v, %v", calls, len(list), warnings, err)
	}
	if err := (&ProfileHistory{Now: w.Now}).Record("work"); err != nil {
		t.Error(err)
	}
}
