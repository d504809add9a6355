package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"aws-vault/vault/disk"
)

// A note is what a lock file says to those who wait. It is a hint, but for the
// failures: whoever waited while one was left takes it for its own.
type note struct {
	Process  int       `json:"process"`
	Program  string    `json:"program"`
	Question string    `json:"question"`
	Failures []failure `json:"failures,omitempty"`
}

type failure struct {
	Of        string    `json:"of"`   // the id of the lock
	Mark      string    `json:"mark"` // that no other failure has
	At        time.Time `json:"at"`
	Process   int       `json:"process"`
	Text      string    `json:"text"`
	Cancelled bool      `json:"cancelled,omitempty"`
}

const (
	maxFailures = 4
	maxText     = 400 // bytes
)

// MakerError is what the process that held the lock met while we waited for it.
type MakerError struct {
	Process   int
	Text      string
	Cancelled bool // its user gave up
}

func (e *MakerError) Error() string {
	return fmt.Sprintf("process %d, for which this one waited, failed: %s", e.Process, e.Text)
}

func readFailure(path, id string) failure {
	raw, err := disk.ReadNote(path)
	return decodeNote(raw, err).failure(id)
}

// decodeNote reads a note; one that cannot be read says nothing.
func decodeNote(raw []byte, err error) note {
	var n note
	if err != nil || json.Unmarshal(raw, &n) != nil {
		return note{}
	}
	return n
}

// encode returns the note without the oldest of its failures that have no room, or nothing.
func (n note) encode() []byte {
	for {
		raw, err := json.Marshal(n)
		if err == nil && len(raw) <= disk.MaxNote {
			return raw
		}
		if len(n.Failures) == 0 {
			return nil
		}
		n.Failures = n.Failures[:len(n.Failures)-1]
	}
}

// failure returns the last failure of the lock id, or none.
func (n note) failure(id string) failure {
	for _, f := range n.Failures {
		if f.Of == id {
			return f
		}
	}
	return failure{}
}

// failed puts a failure before those of other ids; of the oldest there is no memory.
func (n *note) failed(f failure) {
	kept := []failure{f}
	for _, other := range n.Failures {
		if other.Of != f.Of && len(kept) < maxFailures {
			kept = append(kept, other)
		}
	}
	n.Failures = kept
}

// brief makes one short line of a text.
func brief(s string) string {
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
