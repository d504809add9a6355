package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"aws-vault/vault/disk"
)

// A Log is an audit file. A nil Log records nothing.
type Log struct {
	path string
	now  func() time.Time
}

// New returns the Log that appends to the file path, or nil if path is empty.
func New(path string, now func() time.Time) *Log {
	if path == "" {
		return nil
	}
	return &Log{path, now}
}

// A FileError reports that an audit file cannot be opened or written.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("audit file %s: %v", e.Path, e.Err) }

func (e *FileError) Unwrap() error { return e.Err }

// Check returns a [*FileError] if the file cannot be opened. It creates the file if it is missing.
func (l *Log) Check() error {
	if l == nil {
		return nil
	}
	f, err := l.open()
	if err != nil {
		return err
	}
	return f.Close()
}

// Write appends an entry to the file. If it returns a [*FileError], the credentials must not be provided.
func (l *Log) Write(e Entry) error {
	if l == nil {
		return nil
	}
	e.Version, e.Time = Version, formatTime(l.now())
	line, err := json.Marshal(e)
	if err != nil {
		return &FileError{l.path, err}
	}
	f, err := l.open() // opened for each line, because another program may have rotated the file
	if err != nil {
		return err
	}
	defer f.Close()
	// Without the lock, another process could append its line after a part of this line. If this write then fails,
	// appendLine would cut off both.
	if err = disk.LockOpenFile(f); err == nil {
		err = appendLine(f, append(line, '\n'))
	}
	if err != nil {
		return &FileError{l.path, err}
	}
	return nil
}

func (l *Log) open() (*os.File, error) {
	f, err := openFile(l.path)
	if err != nil {
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			err = path.Err // a FileError names the path already
		}
		return nil, &FileError{l.path, err}
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("it is a special file (%s), expected a regular file", info.Mode().Type())
	}
	if err != nil {
		f.Close()
		return nil, &FileError{l.path, err}
	}
	return f, nil
}

// A file is an [*os.File] that is open for reading and writing.
type file interface {
	io.Writer
	io.ReaderAt
	io.Seeker
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
}

// appendLine appends a line as a whole. If it fails, for example because the disk is full, it removes the part of
// the line that was written. If the file ends with a part of a line, for example after a power failure, appendLine
// ends that line first.
func appendLine(f file, line []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	if _, err := f.Seek(size, io.SeekStart); err != nil {
		return err
	}
	n, err := f.Write(line)
	if err != nil && n > 0 {
		err = errors.Join(err, f.Truncate(size))
	}
	return err
}
