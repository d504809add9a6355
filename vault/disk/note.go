package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
)

// A note consists of a length (2 bytes), a checksum (4 bytes) and the text. All three are written with one system
// call. A process that reads the file during the write finds a complete note or no note.
const (
	noteHeader = 6
	noteBlock  = 4 << 10

	// MaxNote is the maximum length of a note in bytes.
	MaxNote = noteBlock - noteHeader
)

// WriteNote writes a note to the lock file, for processes that wait for the lock. The note is only a hint, because
// it may be lost.
func (l *LockFile) WriteNote(note []byte) error {
	if l.links > 1 {
		return nil // do not write: the file has another hard link, and the file at that link must not change
	}
	if len(note) > MaxNote {
		return fmt.Errorf("%s: the note has %d bytes, expected at most %d", l.f.Name(), len(note), MaxNote)
	}
	block := make([]byte, noteHeader, noteHeader+len(note))
	binary.BigEndian.PutUint16(block, uint16(len(note)))
	binary.BigEndian.PutUint32(block[2:], crc32.ChecksumIEEE(note))
	_, err := l.f.WriteAt(append(block, note...), 0)
	return err
}

// ReadNote returns the last note that a holder of the lock wrote, or nil if there is none.
func (l *LockFile) ReadNote() ([]byte, error) { return readNote(l.f) }

// ReadNote returns the last note that a holder of the lock wrote to the file called name. It does not acquire the
// lock. It returns nil if there is no file, no note, or only a partly written note.
func (f *Folder) ReadNote(name string) ([]byte, error) {
	err := f.Check()
	if err == nil {
		return noteAt(f.File(name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return nil, err
}

func noteAt(path string) ([]byte, error) {
	f, _, err := openOwned(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readNote(f)
}

func readNote(f *os.File) ([]byte, error) {
	block := make([]byte, noteBlock)
	n, err := f.ReadAt(block, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return decodeNote(block[:n]), nil
}

func decodeNote(block []byte) []byte {
	if len(block) < noteHeader {
		return nil
	}
	size := int(binary.BigEndian.Uint16(block))
	if size == 0 || noteHeader+size > len(block) {
		return nil
	}
	note := block[noteHeader : noteHeader+size]
	if crc32.ChecksumIEEE(note) != binary.BigEndian.Uint32(block[2:]) {
		return nil
	}
	return note
}
