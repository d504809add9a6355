package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/disk"
)

// An Index lists the cached sessions and tokens. A list command reads the index instead of all keystore items. The
// index is only a hint: if an item has no entry, the item is read from the keystore. Credentials are never taken
// from the index, which contains no secrets.
type Index struct {
	Dir   *disk.Folder // nil if there is no index
	Locks *Locks
}

// indexFile is the name of the index file in Dir. Each line is a JSON object.
const indexFile = "sessions"

// An Entry is the record of one session or token in the index.
type Entry struct {
	Type       string    `json:"type,omitempty"` // "" for a session
	Name       string    `json:"name"`
	Profile    string    `json:"profile"`         // the profile of a session, or the label of a token
	SignedInAs string    `json:"who,omitempty"`   // Token.SignedInAs; empty for a session
	Stamp      string    `json:"stamp,omitempty"` // the item's keystore stamp that belongs to this entry; may be empty
	Kind       string    `json:"kind"`
	Root       string    `json:"root,omitempty"`
	Created    time.Time `json:"made"`
	Expires    time.Time `json:"expires"` // zero if this line deletes the entry called Name
}

// maxIndex is the maximum size of an index in bytes, enough for about 20,000 sessions. An index that exceeds half
// of maxIndex is rewritten without outdated lines. If it then still exceeds a quarter of maxIndex, all old
// entries are dropped.
const maxIndex = 4 << 20

// Entries returns all entries by item name. It returns an empty map if the index cannot be read.
func (x *Index) Entries() map[string]Entry {
	raw, err := x.Dir.Read(indexFile, maxIndex)
	if err != nil {
		return map[string]Entry{}
	}
	return decodeIndex(raw)
}

// Entry returns the entry with this name, and whether there is such an entry. It decodes no other entries.
func (x *Index) Entry(name string) (Entry, bool) {
	raw, err := x.Dir.Read(indexFile, maxIndex)
	if err != nil {
		return Entry{}, false
	}
	var matching []byte
	for line := range bytes.Lines(raw) {
		if bytes.Contains(line, []byte(name)) {
			matching = append(matching, line...)
		}
	}
	e, ok := decodeIndex(matching)[name]
	return e, ok
}

// decodeIndex decodes the lines of an index. It ignores incomplete and unknown lines.
func decodeIndex(raw []byte) map[string]Entry {
	entries := map[string]Entry{}
	for line := range bytes.Lines(raw) {
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.Name == "" {
			continue
		}
		known, ok := entries[e.Name]
		switch {
		case e.Expires.IsZero():
			delete(entries, e.Name)
		case !ok || !e.Created.Before(known.Created): // ignore an entry that is older than the known entry
			entries[e.Name] = e
		}
	}
	return entries
}

func encodeIndex(entries []Entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			continue // leave out an entry whose time JSON cannot represent; List then opens the item
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

func sorted(entries map[string]Entry) []Entry {
	return slices.SortedFunc(maps.Values(entries), func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
}

// add appends entries to the index file.
func (x *Index) add(ctx context.Context, entries ...Entry) error {
	if x.Dir == nil {
		return nil
	}
	_, lock, err := x.Locks.Named(ctx, "index", "the list of sessions")
	if err != nil {
		return err
	}
	defer lock.Close()
	text := encodeIndex(entries)
	f, size, err := x.Dir.Append(indexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return x.Dir.Write(indexFile, text)
	}
	if errors.Is(err, disk.ErrHardLink) {
		return x.compact(text)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if size > maxIndex/2 {
		return x.compact(text)
	}
	if isTorn(f, size) {
		text = append([]byte{'\n'}, text...)
	}
	_, err = f.Write(text)
	return err
}

// isTorn reports whether the last line of f is incomplete because its writer was killed.
func isTorn(f *os.File, size int64) bool {
	last := []byte{'\n'}
	if size > 0 {
		f.ReadAt(last, size-1)
	}
	return last[0] != '\n'
}

// compact rewrites the index without outdated lines, and appends the lines in text.
func (x *Index) compact(text []byte) error {
	old := encodeIndex(sorted(x.Entries()))
	if len(old) > maxIndex/4 {
		old = nil
	}
	return x.Dir.Write(indexFile, append(old, text...))
}

// retain rewrites the index with only the entries for which keep returns true.
func (x *Index) retain(ctx context.Context, keep func(Entry) bool) error {
	if x.Dir == nil {
		return nil
	}
	_, lock, err := x.Locks.Named(ctx, "index", "the list of sessions")
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := x.Dir.Stat(indexFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	retained := slices.DeleteFunc(sorted(x.Entries()), func(e Entry) bool { return !keep(e) })
	return x.Dir.Write(indexFile, encodeIndex(retained))
}
