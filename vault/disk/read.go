package disk

import (
	"fmt"
	"io"
	"io/fs"
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

// Open opens a file for reading that the user, a setting or another program has chosen. It follows symbolic links.
// It returns a [*KindError] for everything except regular files and the null device. It never waits for a writer
// of a named pipe. The null device counts as an empty file, because AWS_CONFIG_FILE=/dev/null is a common way to
// say "no config file".
func Open(path string) (*os.File, error) {
	f, _, err := openChosen(path)
	return f, err
}

// openChosen is like Open, and also returns information about the file.
func openChosen(path string) (*os.File, fs.FileInfo, error) {
	f, err := openShared(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !isNull(path, info) {
		err = &KindError{Path: path, Mode: info.Mode(), Expected: regularFile, Chosen: true}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// ReadBounded returns the content of a file that [Open] accepts. It returns a [*TooLargeError] if the content is longer
// than max bytes. It never reads more than max+1 bytes, even if the file reports a smaller size.
func ReadBounded(path string, max int64) ([]byte, error) {
	f, err := Open(path)
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
	text, _, err := ReadTextInfo(path, max)
	return text, err
}

// ReadTextInfo is like ReadText, and also returns information about the file that it has read.
func ReadTextInfo(path string, max int64) (string, fs.FileInfo, error) {
	f, info, err := openChosen(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	// The size is only a hint, because the file may grow while it is read.
	text, err := readText(io.LimitReader(f, min(max, math.MaxInt64-1)+1), min(info.Size(), max))
	if err != nil {
		return "", nil, err
	}
	if int64(len(text)) > max {
		return "", nil, &TooLargeError{Path: path, Max: max}
	}
	return text, info, nil
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
