//go:build piv && linux

package piv

import (
	"debug/elf"
	"os"
	"slices"
	"testing"
)

// TestNotLinked checks that this test binary is not linked with libpcsclite, because it uses our own PC/SC client.
func TestNotLinked(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries() // a static program has no libraries
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(libraries, "libpcsclite.so.1") {
		t.Errorf("the test is linked with %q: run make cards, then build with -overlay=dist/cards/overlay.json", libraries)
	}
}
