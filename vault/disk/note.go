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

// A note is a length of two bytes, a checksum of four and the text, written in one call: who reads
// while it is written sees a note or none.
const (
	noteHeader = 6
	noteBlock  = 4 << 10

	// MaxNote is how many bytes a note may have.
	MaxNote = noteBlock - noteHeader
)

// WriteNote leaves in the lock file what those who wait, or come later, may read. It is a hint:
// nobody may rely on it for more than saying something.
func (l *LockFile) WriteNote(note []byte) error {
	if l.links > 1 {
		return nil // the other name may be that of a file which must not change
	}
	if len(note) > MaxNote {
		return fmt.Errorf("%s: a note of %d bytes, expected at most %d", l.f.Name(), len(note), MaxNote)
	}
	block := make([]byte, noteHeader, noteHeader+len(note))
	binary.BigEndian.PutUint16(block, uint16(len(note)))
	binary.BigEndian.PutUint32(block[2:], crc32.ChecksumIEEE(note))
	_, err := l.f.WriteAt(append(block, note...), 0)
	return err
}

// ReadNote returns what the holders of the lock wrote last, or nothing.
func (l *LockFile) ReadNote() ([]byte, error) { return readNote(l.f) }

// ReadNote returns what the holders of the lock in the file called name wrote last, without taking
// the lock, or nothing: no file, no note and a note half written are the same to a reader.
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
