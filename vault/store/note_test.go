package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/vault/disk"
)

func TestNote(t *testing.T) {
	long := strings.Repeat("<é", 4000)
	n := note{Process: 1, Program: brief(long), Question: brief("a\x1b[31m\nb\x00")}
	for i := range 6 {
		n.failed(failure{Of: fmt.Sprint(i), Mark: fmt.Sprint("m", i), Text: brief(long)})
	}
	if len(n.Failures) != maxFailures || n.Failures[0].Of != "5" || n.failure("2").Mark != "m2" || n.failure("1").Mark != "" {
		t.Errorf("the failures are %+v", n.Failures)
	}
	n.failed(failure{Of: "3", Mark: "again"})
	if len(n.Failures) != maxFailures || n.failure("3").Mark != "again" {
		t.Errorf("the failures are %+v", n.Failures)
	}
	raw := n.encode()
	if len(raw) == 0 || len(raw) > disk.MaxNote {
		t.Fatalf("the note has %d bytes", len(raw))
	}
	if back := decodeNote(raw, nil); back.Question != "a [31m b " || len(back.Program) > maxText || back.failure("3").Mark != "again" {
		t.Errorf("the note reads %+v", back)
	}
	if back := decodeNote(raw, errBroken); back.Process != 0 {
		t.Errorf("an unread note says %+v", back)
	}
	if raw := (note{Program: strings.Repeat("<", 5000)}).encode(); raw != nil {
		t.Errorf("a note of %d bytes", len(raw))
	}
}

// TestInnerFailure: who waits for the outer session hears what failed, not for whom its
// maker waited, and that the user gave up.
func TestInnerFailure(t *testing.T) {
	w := newWorld(t)
	held, err := w.Locks.Session(t.Context(), 1, nameA, "")
	if err != nil {
		t.Fatal(err)
	}
	held.Fail(noon, fmt.Errorf("step: %w", &MakerError{Process: 1, Text: "no code", Cancelled: true}), true)
	f := readFailure(filepath.Join(w.Locks.Dir, sessionFile(1, nameA)), nameA)
	if f.Text != "no code" || !f.Cancelled || f.Process != os.Getpid() {
		t.Errorf("left %+v", f)
	}
	if !w.gaveUp(&MakerError{Cancelled: true}) || w.gaveUp(&MakerError{}) || w.gaveUp(errCancelled) {
		t.Error("who gave up is told apart wrongly")
	}
}

// FuzzDecodeNote: what decodes is encoded so that it decodes to the same.
func FuzzDecodeNote(f *testing.F) {
	f.Add([]byte(`{"process":1,"program":"p","question":"q","failures":[{"of":"a","mark":"m","at":"2030-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"failures":[{},{},{},{},{}]}`))
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
