package disk

import (
	"fmt"
	"io"
	"math"
)

// TooLargeError says that Path holds more than the Max bytes that such a file may have.
type TooLargeError struct {
	Path string
	Max  int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: longer than %d bytes", e.Path, e.Max)
}

// ReadBounded returns what path holds, or a *TooLargeError if that is more than max bytes. It
// reads no more than that, whatever the file says of its size.
func ReadBounded(path string, max int64) ([]byte, error) {
	f, err := openShared(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, min(max, math.MaxInt64-1)+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > max {
		return nil, &TooLargeError{Path: path, Max: max}
	}
	return data, nil
}
