//go:build piv && cgo && linux

package piv

import (
	"debug/elf"
	"os"
	"strings"
	"testing"
)

// TestNotLinked: this test uses libpcsclite, and starts without it.
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
	libraries, err := f.ImportedLibraries()
	if err != nil || len(libraries) == 0 {
		t.Fatalf("libraries: %q, %v", libraries, err)
	}
	if all := strings.Join(libraries, " "); strings.Contains(all, "pcsclite") {
		t.Errorf("linked with %s", all)
	}
}
