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

// An Index says which sessions there are without a keystore being asked to open any. It
// is a hint: an entry that is wrong costs a read and never makes a wrong answer. It
// holds no secret.
type Index struct {
	Dir   *disk.Folder // nil for an index that stays empty
	Locks *Locks
}

// indexFile is the file in the folder: lines of JSON.
const indexFile = "sessions"

// An Entry is what the index knows of one session or token.
type Entry struct {
	Type       string    `json:"type,omitempty"` // empty for a session
	Name       string    `json:"name"`
	Profile    string    `json:"profile"`         // a token's is what its user knows it by
	SignedInAs string    `json:"who,omitempty"`   // a token is of
	Stamp      string    `json:"stamp,omitempty"` // byName the item for which Who is right; empty for none
	Kind       string    `json:"kind"`
	Root       string    `json:"root,omitempty"`
	Created    time.Time `json:"made"`
	Expires    time.Time `json:"expires"` // zero in a line that says to forget what came before
}

// maxIndex bounds what is read of an index: some twenty thousand sessions. At half of it
// the index is written anew, and what still has no room is forgotten.
const maxIndex = 4 << 20

// Entries returns what the index knows, by name: nothing, if it cannot be read.
func (x *Index) Entries() map[string]Entry {
	raw, err := x.Dir.Read(indexFile, maxIndex)
	if err != nil {
		return map[string]Entry{}
	}
	return decodeIndex(raw)
}

// Entry returns what the index knows of one name, and whether that is anything. It reads no other entries.
func (x *Index) Entry(name string) (Entry, bool) {
	raw, err := x.Dir.Read(indexFile, maxIndex)
	if err != nil {
		return Entry{}, false
	}
	var of []byte
	for line := range bytes.Lines(raw) {
		if bytes.Contains(line, []byte(name)) {
			of = append(of, line...)
		}
	}
	e, ok := decodeIndex(of)[name]
	return e, ok
}

// decodeIndex reads the lines. Those that are torn or not ours say nothing.
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
		case !ok || !e.Created.Before(known.Created): // who reads an old item may write its line late
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
			continue // a time that JSON cannot hold: the item itself will be read
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

func sorted(entries map[string]Entry) []Entry {
	return slices.SortedFunc(maps.Values(entries), func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
}

// add writes entries behind those there are.
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

// isTorn reports whether the last line of f has no end, since its writer was stopped.
func isTorn(f *os.File, size int64) bool {
	last := []byte{'\n'}
	if size > 0 {
		f.ReadAt(last, size-1)
	}
	return last[0] != '\n'
}

// compact writes the index anew, with the text behind it.
func (x *Index) compact(text []byte) error {
	old := encodeIndex(sorted(x.Entries()))
	if len(old) > maxIndex/4 {
		old = nil
	}
	return x.Dir.Write(indexFile, append(old, text...))
}

// retain rewrites the index with the entries that keep says yes to.
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
	kept := slices.DeleteFunc(sorted(x.Entries()), func(e Entry) bool { return !keep(e) })
	return x.Dir.Write(indexFile, encodeIndex(kept))
}
