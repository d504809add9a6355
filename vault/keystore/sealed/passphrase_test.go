package sealed

import (
	"bytes"
	"errors"
	"testing"

	"filippo.io/age"
)

// TestWorkFactor checks the work factor of new identity files, and that files with the factor of earlier versions are
// read.
func TestWorkFactor(t *testing.T) {
	defer func(f int) { workFactor = f }(workFactor)
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, factor := range []struct {
		n    int
		text string
	}{{newWorkFactor, " 18\n"}, {17, " 17\n"}} {
		workFactor = factor.n
		file, err := sealIdentity(id, testPassphrase)
		if err != nil {
			t.Fatal(err)
		}
		if line, _, _ := bytes.Cut(file[bytes.Index(file, []byte("-> scrypt")):], []byte("\n")); !bytes.HasSuffix(append(line, '\n'), []byte(factor.text)) {
			t.Errorf("the file has %q, want the work factor%s", line, factor.text)
		}
		if found, err := openIdentity(file, testPassphrase); err != nil || found.String() != id.String() {
			t.Errorf("work factor%s: %v", factor.text, err)
		}
	}
}

// BenchmarkGuess measures one guess of a passphrase of the sealed keystore.
func BenchmarkGuess(b *testing.B) {
	defer func(f int) { workFactor = f }(workFactor)
	workFactor = newWorkFactor
	id, err := age.GenerateX25519Identity()
	if err != nil {
		b.Fatal(err)
	}
	file, err := sealIdentity(id, testPassphrase)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := openIdentity(file, "a wrong passphrase"); !errors.Is(err, ErrWrongPassphrase) {
			b.Fatal(err)
		}
	}
}
