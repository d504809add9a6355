package disk

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// TooLargeError reports that the file at Path is larger than Max bytes.
type TooLargeError struct {
	Path string
	Max  int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: larger than %d bytes", e.Path, e.Max)
}

// ReadBounded returns the content of a file that the user or another program has chosen. It returns a
// [*TooLargeError] if the content is longer than max bytes. It never reads more than max+1 bytes, even if the file
// reports a smaller size.
func ReadBounded(path string, max int64) ([]byte, error) {
	f, err := openShared(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f, max)
}

func readBounded(f *os.File, max int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, min(max, math.MaxInt64-1)+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > max {
		return nil, &TooLargeError{Path: f.Name(), Max: max}
	}
	return data, nil
}

// readBufferSize is the maximum number of bytes that ReadText reads with one system call.
const readBufferSize = 64 << 10

// ReadText is like ReadBounded, but for long texts. It returns a string. It uses the file's size to allocate the
// memory for the string only once.
func ReadText(path string, max int64) (string, error) {
	f, err := openShared(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := readText(io.LimitReader(f, min(max, math.MaxInt64-1)+1), min(sizeHint(f), max))
	if err != nil {
		return "", err
	}
	if int64(len(text)) > max {
		return "", &TooLargeError{Path: path, Max: max}
	}
	return text, nil
}

// readText reads a text. The argument likely is the expected size in bytes, or 0 if the size is unknown.
func readText(r io.Reader, likely int64) (string, error) {
	piece := int64(readBufferSize)
	if likely > 0 {
		piece = min(likely+1, piece) // a text of the expected size needs no larger buffer
	}
	var text strings.Builder
	text.Grow(int(likely))
	_, err := io.CopyBuffer(&text, r, make([]byte, piece))
	return text.String(), err
}

// sizeHint returns the reported size of a regular file, and 0 for other files, such as pipes. The size is only a
// hint, because the file may grow while it is read.
func sizeHint(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}
