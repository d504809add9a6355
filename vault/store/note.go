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

// A note is text in a lock file for the processes that wait for the lock. The note is only a hint, except for the
// failure: a process that waited for the lock returns the failure as its own error.
type note struct {
	Process  int     `json:"process"`
	Program  string  `json:"program"`
	Question string  `json:"question"`
	Failure  failure `json:"failure,omitzero"` // the last failure of a holder; later holders leave it in the note
}

type failure struct {
	ID        string    `json:"mark"` // random and unique, to recognize a new failure
	At        time.Time `json:"at"`
	Process   int       `json:"process"`
	Text      string    `json:"text"`
	Cancelled bool      `json:"cancelled,omitempty"`
}

// maxText is the maximum length in bytes of each text in a note.
const maxText = 400

// LockOwnerError reports that another process failed while it held the lock that this process waited for.
type LockOwnerError struct {
	Process   int
	Text      string
	Cancelled bool // whether the user cancelled the prompt of that process
}

func (e *LockOwnerError) Error() string {
	return fmt.Sprintf("waited for another aws-vault (process %d), which failed: %s", e.Process, e.Text)
}

// decodeNote decodes a note. It returns an empty note if err is not nil or raw cannot be decoded.
func decodeNote(raw []byte, err error) note {
	var n note
	if err != nil || json.Unmarshal(raw, &n) != nil {
		return note{}
	}
	return n
}

// encode returns the note as JSON, or nil if it is too long for a lock file.
func (n note) encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // with HTML escapes, three texts of maxText bytes might not fit
	if e.Encode(n) != nil || b.Len() > disk.MaxNote {
		return nil
	}
	return b.Bytes()
}

// oneLine replaces control characters with spaces and truncates the text to maxText bytes.
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
