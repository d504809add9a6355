package disk

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestReadText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, size := range []int{0, 1, readBufferSize - 1, readBufferSize, readBufferSize + 1, 3*readBufferSize + 7} {
		want := strings.Repeat("x", size)
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, max := range []int64{int64(size), int64(size) + 1, 1 << 62, 1<<63 - 1} {
			if text, err := ReadText(path, max); err != nil || text != want {
				t.Errorf("ReadText(%d) of %d bytes = %d bytes, %v", max, size, len(text), err)
			}
		}
		if size == 0 {
			continue
		}
		var tooLarge *TooLargeError
		if text, err := ReadText(path, int64(size)-1); !errors.As(err, &tooLarge) || tooLarge.Max != int64(size)-1 || text != "" {
			t.Errorf("ReadText(%d) of %d bytes returned %d, %v, want a *TooLargeError", size-1, size, len(text), err)
		}
	}
	if _, err := ReadText(path+"x", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadText of a missing file returned %v", err)
	}
	if _, err := ReadText(filepath.Dir(path), 4); err == nil {
		t.Error("ReadText of a directory returned nil")
	}
}

// TestReadTextAllocatesOnce checks that the memory for a long text is allocated only once, and not again after each
// read.
func TestReadTextAllocatesOnce(t *testing.T) {
	const size = 4 << 20
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	text, err := ReadText(path, size)
	runtime.ReadMemStats(&after)
	if err != nil || len(text) != size {
		t.Fatal(len(text), err)
	}
	if asked := after.TotalAlloc - before.TotalAlloc; asked > size+2*readBufferSize {
		t.Errorf("allocated %d bytes to read %d", asked, size)
	}
}

// TestReadTextUsesFewReads limits the number of reads, also if the size is unknown or wrong. The size of a pipe is
// unknown, and Bash creates a pipe for <(command).
func TestReadTextUsesFewReads(t *testing.T) {
	const size = 4*readBufferSize + 7
	const most = 6 // one read for each full buffer, and one or two to detect the end
	for _, likely := range []int64{0, size - 1, size, size + 1} {
		r := &countingReader{Reader: strings.NewReader(strings.Repeat("x", size))}
		text, err := readText(r, likely)
		if err != nil || len(text) != size || r.reads > most {
			t.Errorf("read %d bytes in %d reads, %v, with a size hint of %d", len(text), r.reads, err, likely)
		}
	}
}

// countingReader counts the calls to its method Read. It has no other methods, because io.Copy would use them.
type countingReader struct {
	io.Reader
	reads int
}

func (c *countingReader) Read(p []byte) (int, error) { c.reads++; return c.Reader.Read(p) }
