package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/disk"
)

func entry(name string, created time.Time) Entry {
	return Entry{Name: name, Profile: "prod", Kind: "assume role", Root: "hub", Created: created, Expires: created.Add(time.Hour)}
}

func (w *testSessions) writeIndex(t *testing.T, text string) {
	t.Helper()
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.Index.Dir.File(indexFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestIndexAdds(t *testing.T) {
	w := newTestSessions(t)
	odd := entry("a\nb\x00\u2028\"", noon)
	later := entry(nameA, noon.Add(time.Minute))
	for _, e := range []Entry{entry(nameA, noon), odd, later, entry(nameA, noon), entry(nameB, noon), {Name: nameB}} {
		if err := w.Index.add(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]Entry{odd.Name: odd, nameA: later}
	if got := w.Index.Entries(); !maps.Equal(got, want) {
		t.Errorf("the entries are %v, want %v", got, want)
	}
	if err := w.Index.retain(t.Context(), func(e Entry) bool { return e.Name == nameA }); err != nil {
		t.Fatal(err)
	}
	if got := w.Index.Entries(); !maps.Equal(got, map[string]Entry{nameA: later}) {
		t.Errorf("the entries are %v", got)
	}
}

func TestIndexDamaged(t *testing.T) {
	line := func(e Entry) string { return string(encodeIndex([]Entry{e})) }
	a, b := entry(nameA, noon), entry(nameB, noon)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":     {"", nil},
		"garbage":   {"\x00\xff{{\n" + line(a), []string{nameA}},
		"torn":      {line(a) + line(b)[:30], []string{nameA}},
		"torn amid": {line(a)[:30] + "\n" + line(b), []string{nameB}},
		"no name":   {`{"expires":"2030-01-01T00:00:00Z"}` + "\n" + line(a), []string{nameA}},
		"long line": {strings.Repeat("x", 100_000) + "\n" + line(a), []string{nameA}},
		"too long":  {strings.Repeat(line(a), maxIndex/len(line(a))+1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestSessions(t)
			w.writeIndex(t, c.text)
			if got := slices.Sorted(maps.Keys(w.Index.Entries())); !slices.Equal(got, c.want) {
				t.Errorf("the entries are %q, want %q", got, c.want)
			}
			third := entry("third", noon)
			if err := w.Index.add(t.Context(), third); err != nil {
				t.Fatal(err)
			}
			if got := w.Index.Entries(); len(got) != len(c.want)+1 || got["third"] != third {
				t.Errorf("after adding one, the entries are %v", got)
			}
		})
	}
}

func TestIndexIsCompacted(t *testing.T) {
	w := newTestSessions(t)
	size := func() int64 {
		info, err := os.Stat(w.Index.Dir.File(indexFile))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	one := string(encodeIndex([]Entry{entry(nameA, noon)}))
	w.writeIndex(t, strings.Repeat(one, maxIndex/2/len(one)+1))
	if err := w.Index.add(t.Context(), entry(nameB, noon)); err != nil {
		t.Fatal(err)
	}
	if n := size(); n > 1000 || len(w.Index.Entries()) != 2 {
		t.Errorf("the index has %d bytes for %d entries", n, len(w.Index.Entries()))
	}
	var many bytes.Buffer
	for i := 0; many.Len() <= maxIndex/2; i++ {
		many.Write(encodeIndex([]Entry{entry(fmt.Sprint(i), noon)}))
	}
	w.writeIndex(t, many.String())
	if err := w.Index.add(t.Context(), entry(nameB, noon)); err != nil {
		t.Fatal(err)
	}
	if n := size(); n > maxIndex/4+1000 || w.Index.Entries()[nameB].Name == "" {
		t.Errorf("the index has %d bytes for %d entries", n, len(w.Index.Entries()))
	}
}

func TestIndexErrors(t *testing.T) {
	w := newTestSessions(t)
	if err := w.Index.retain(t.Context(), func(Entry) bool { return true }); err != nil {
		t.Errorf("retain of a missing index returned %v", err)
	}
	if _, err := os.Stat(w.Index.Dir.File(indexFile)); err == nil {
		t.Error("retain created an index file")
	}
	file := filepath.Join(w.dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Index.Dir = disk.NewFolder(file)
	if err := w.Index.add(t.Context(), entry(nameA, noon)); err == nil {
		t.Error("add returned nil although the folder is a file")
	}
	if e := (Entry{Name: nameA, Expires: noon.AddDate(9000, 0, 0)}); len(encodeIndex([]Entry{e})) != 0 {
		t.Error("an entry was written whose time JSON cannot represent")
	}
}

// FuzzIndex checks that an index has the same entries after it is decoded, encoded and decoded again.
func FuzzIndex(f *testing.F) {
	f.Add(encodeIndex([]Entry{entry(nameA, noon), entry("a\nb", noon), {Name: nameA}, entry(nameB, noon)}))
	f.Add([]byte("{}\n\n\x00{\"name\":\"x\"}{"))
	f.Add([]byte(`{"name":"x","expires":"9999-12-31T23:59:59-23:59"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first := decodeIndex(raw)
		text := encodeIndex(sorted(first))
		second := decodeIndex(text)
		if len(first) != len(second) || !bytes.Equal(text, encodeIndex(sorted(second))) {
			t.Fatalf("%v became %v", first, second)
		}
		for line := range bytes.Lines(text) {
			if !json.Valid(line) {
				t.Fatalf("the line %q is not valid JSON", line)
			}
		}
	})
}
