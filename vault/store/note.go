package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"aws-vault/vault/disk"
)

// A note is what a lock file says to those who wait. It is a hint, but for the
// failure: a process that waited while it was left takes it for its own.
type note struct {
	Process  int     `json:"process"`
	Program  string  `json:"program"`
	Question string  `json:"question"`
	Failure  failure `json:"failure,omitzero"` // that the last holder left
}

type failure struct {
	ID        string    `json:"mark"` // that no other failure has
	At        time.Time `json:"at"`
	Process   int       `json:"process"`
	Text      string    `json:"text"`
	Cancelled bool      `json:"cancelled,omitempty"`
}

// maxText bounds each text of a note, in bytes.
const maxText = 400

// LockOwnerError is what the process that held the lock met while we waited for it.
type LockOwnerError struct {
	Process   int
	Text      string
	Cancelled bool // its user gave up
}

func (e *LockOwnerError) Error() string {
	return fmt.Sprintf("process %d, for which this one waited, failed: %s", e.Process, e.Text)
}

// decodeNote reads a note; one that cannot be read says nothing.
func decodeNote(raw []byte, err error) note {
	var n note
	if err != nil || json.Unmarshal(raw, &n) != nil {
		return note{}
	}
	return n
}

// encode returns the note, or nothing if it has no room.
func (n note) encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // three texts of maxText bytes then always have room
	if e.Encode(n) != nil || b.Len() > disk.MaxNote {
		return nil
	}
	return b.Bytes()
}

// oneLine makes one short line of a text.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}
