package store

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"aws-vault/vault/disk"
)

func TestNote(t *testing.T) {
	long := strings.Repeat("<é", 4000)
	n := note{Process: 1, Program: oneLine(long), Question: oneLine("a\x1b[31m\nb\x00")}
	n.Failure = failure{ID: "m", At: noon, Text: oneLine(long)}
	raw := n.encode()
	if len(raw) == 0 {
		t.Fatal("encode returned nil")
	}
	if back := decodeNote(raw, nil); back.Question != "a [31m b " || len(back.Program) > maxText || back.Failure != n.Failure {
		t.Errorf("the decoded note is %+v", back)
	}
	if back := decodeNote(raw, errBroken); back.Process != 0 {
		t.Errorf("a note that could not be read decodes to %+v", back)
	}
	worst := oneLine(strings.Repeat("\"", 4000))
	if raw := (note{Program: worst, Question: worst, Failure: failure{ID: "m", At: noon, Text: worst}}).encode(); raw == nil {
		t.Error("a note with three texts of maximum length does not fit")
	}
	if raw := (note{Program: strings.Repeat("<", 5000)}).encode(); raw != nil {
		t.Errorf("the note has %d bytes", len(raw))
	}
}

// Process A fails, so process B, which waited for A, also fails. The processes that wait for B then receive the text of
// A's failure, and whether the user cancelled.
func TestFailureOfAnotherWait(t *testing.T) {
	w := newTestSessions(t)
	_, held, err := w.Locks.Session(t.Context(), nameA, "")
	if err != nil {
		t.Fatal(err)
	}
	held.Fail(noon, fmt.Errorf("step: %w", &LockOwnerError{Process: 1, Text: "no code", Cancelled: true}), true)
	f := w.Locks.readNote(sessionFile(nameA)).Failure
	if f.Text != "no code" || !f.Cancelled || f.Process != os.Getpid() {
		t.Errorf("the failure is %+v", f)
	}
	if !w.isCancelled(&LockOwnerError{Cancelled: true}) || w.isCancelled(&LockOwnerError{}) || w.isCancelled(errCancelled) {
		t.Error("isCancelled does not detect that the user cancelled")
	}
}

// FuzzDecodeNote checks that a note stays the same when it is decoded and encoded again.
func FuzzDecodeNote(f *testing.F) {
	f.Add([]byte(`{"process":1,"program":"p","question":"q","failure":{"mark":"m","at":"2030-01-01T00:00:00Z","text":"t"}}`))
	f.Add([]byte(`{"failure":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first := decodeNote(raw, nil).encode()
		if len(first) > disk.MaxNote {
			t.Fatalf("a note of %d bytes", len(first))
		}
		if second := decodeNote(first, nil).encode(); first != nil && !bytes.Equal(first, second) {
			t.Fatalf("%q became %q", first, second)
		}
	})
}
