package disk

import (
	"os"
	"testing"
)

// TestReadTextWithoutSize checks that a file that reports size 0, such as a file in /proc, is read completely.
func TestReadTextWithoutSize(t *testing.T) {
	const path = "/proc/self/cmdline"
	want, err := os.ReadFile(path)
	if err != nil || len(want) == 0 {
		t.Fatalf("%d bytes, %v", len(want), err)
	}
	if text, err := ReadText(path, 1<<20); err != nil || text != string(want) {
		t.Errorf("%q, %v, want %q", text, err, want)
	}
}
