package disk

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// TooLargeError says that Path holds more than the Max bytes that such a file may have.
type TooLargeError struct {
	Path string
	Max  int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: longer than %d bytes", e.Path, e.Max)
}

// ReadBounded returns what path, a file that the user or another program has chosen, holds, or a *TooLargeError if that is more than max bytes. It
// reads no more than that, whatever the file says of its size.
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

// readBufferSize is how much of a text is read by one system call.
const readBufferSize = 64 << 10

// ReadText is ReadBounded for texts that may be long: what is read is moved once, into a string
// as long as the file.
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

// readText reads a text that is likely to have so many bytes. If nothing is known of that, as many
// are read at once as of a long one.
func readText(r io.Reader, likely int64) (string, error) {
	piece := int64(readBufferSize)
	if likely > 0 {
		piece = min(likely+1, piece) // the one finds the end
	}
	var text strings.Builder
	text.Grow(int(likely))
	_, err := io.CopyBuffer(&text, r, make([]byte, piece))
	return text.String(), err
}

// sizeHint is how long a file says that it is. It may grow while it is read, and a file of the
// system, or a pipe, says nothing.
func sizeHint(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}
