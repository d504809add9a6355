package keystore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"aws-vault/vault/printable"
)

// A split ring stores long items as several items of another ring. It stores short items unchanged, as
// aws-vault 7 does.
//
// All parts of one write share a random ID. Put writes the second and later parts under names of their own. Then
// it writes the first part and the ID under the item's own name, which replaces the old item. Until then, the old
// item and its parts stay valid. Item detects missing parts.
type split struct {
	ring     Ring
	limit    int // maximum length of an item in the underlying ring, in bytes
	location string
}

// The first part of a split item begins with the split line, which contains the ID and the number of parts.
const (
	splitFormat = "aws-vault split %s %d\n" // the write's ID, and the number of parts including the first
	splitMark   = "aws-vault split "
	splitHead   = 64 // bytes reserved for the split line

	maxSplitParts = 128
	maxRereads    = 32
)

// The patterns are compiled at the first use, because compiling them would slow down each start of the program.
var (
	splitLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^aws-vault split ([0-9a-f]{16}) ([1-9][0-9]{0,2})\n`)
	})
	partName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`#[0-9a-f]{16}\.[1-9][0-9]*$`) })
)

func (s split) part(name, id string, i int) string { return fmt.Sprintf("%s#%s.%d", name, id, i) }

var (
	errBadSplit    = errors.New("the first part of a split item is malformed")
	errPartMissing = errors.New("a part is missing")
)

// A splitVersion is the data that one write stored under the item's own name: the whole item, or its first part.
type splitVersion struct {
	id    string // the ID of the write; empty if the item is stored in one piece
	parts int    // the number of parts; 1 if the item is not split
	first []byte // the content of the first part, without the split line
}

// parseSplit parses the data that is stored under an item's own name: all of the item, or its first part.
func parseSplit(data []byte) (splitVersion, error) {
	if !bytes.HasPrefix(data, []byte(splitMark)) {
		return splitVersion{parts: 1, first: data}, nil
	}
	line := splitLine().FindSubmatch(data)
	if line == nil {
		return splitVersion{}, errBadSplit
	}
	w := splitVersion{id: string(line[1]), first: data[len(line[0]):]}
	fmt.Sscan(string(line[2]), &w.parts) // cannot fail: the pattern matches only digits
	if w.parts > maxSplitParts {
		return splitVersion{}, errBadSplit
	}
	return w, nil
}

func (s split) Item(ctx context.Context, name string) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	lastID := "none"
	for range maxRereads {
		it, err := s.ring.Item(ctx, name)
		if err != nil {
			return Item{}, err
		}
		w, err := parseSplit(it.Data)
		if err == nil {
			it.Data, err = s.join(ctx, name, w)
		}
		switch {
		case err == nil:
			return it, nil
		case errors.Is(err, errPartMissing) && w.id != lastID:
			lastID = w.id // read again: if another process has replaced the item, its ID is different now
		case errors.Is(err, errPartMissing) || errors.Is(err, errBadSplit):
			return Item{}, &DamagedError{Name: name, Where: s.location, Err: err}
		default:
			return Item{}, err
		}
	}
	return Item{}, fmt.Errorf("item %s in %s was replaced %d times while it was read", printable.Quote(name), s.location, maxRereads)
}

// join reads the second and later parts of an item and appends them to the first part.
func (s split) join(ctx context.Context, name string, w splitVersion) ([]byte, error) {
	data := w.first
	for i := 2; i <= w.parts; i++ {
		part, err := s.ring.Item(ctx, s.part(name, w.id, i))
		if errors.Is(err, ErrNotFound) {
			return nil, errPartMissing
		}
		if err != nil {
			return nil, err
		}
		data = append(data, part.Data...)
	}
	return data, nil
}

func (s split) Put(ctx context.Context, it Item) error {
	if err := checkName(it.Name); err != nil {
		return err
	}
	if partName().MatchString(it.Name) {
		return &NameError{Name: it.Name, Reason: "is reserved for parts of long items"}
	}
	old := s.currentVersion(ctx, it.Name)
	if err := s.put(ctx, it); err != nil {
		return err
	}
	return s.removeParts(ctx, it.Name, old.id, old.parts)
}

// currentVersion returns the current version of the item. If the item cannot be read, the returned version has no
// parts.
func (s split) currentVersion(ctx context.Context, name string) splitVersion {
	it, err := s.ring.Item(ctx, name)
	if err != nil {
		return splitVersion{}
	}
	w, _ := parseSplit(it.Data)
	return w
}

func (s split) put(ctx context.Context, it Item) error {
	if len(it.Data) <= s.limit && !bytes.HasPrefix(it.Data, []byte(splitMark)) {
		return s.ring.Put(ctx, it)
	}
	size := s.limit - splitHead
	parts := max(1, (len(it.Data)+size-1)/size)
	if parts > maxSplitParts {
		return fmt.Errorf("item %s has %d bytes, expected at most %d", printable.Quote(it.Name), len(it.Data), maxSplitParts*size)
	}
	id, all := hex.EncodeToString(random(8)), it.Data
	cut := func(i int) []byte { return all[(i-1)*size : min(i*size, len(all))] }
	for i := 2; i <= parts; i++ {
		part := it
		part.Name, part.Data = s.part(it.Name, id, i), cut(i)
		if err := s.ring.Put(ctx, part); err != nil {
			s.removeIncomplete(ctx, it.Name, id, i)
			return err
		}
	}
	it.Data = append(fmt.Appendf(nil, splitFormat, id, parts), cut(1)...)
	if err := s.ring.Put(ctx, it); err != nil {
		s.removeIncomplete(ctx, it.Name, id, parts)
		return err
	}
	return nil
}

// removeIncomplete removes the parts of a failed write. If the write was cancelled, removeIncomplete leaves the parts,
// because the system may still carry out the write, and the item would then miss its parts. Remove later removes them.
func (s split) removeIncomplete(ctx context.Context, name, id string, parts int) {
	if ctx.Err() == nil {
		s.removeParts(ctx, name, id, parts) // an error does no harm: no item refers to the parts
	}
}

// removeParts removes the parts of one write. It ignores parts that do not exist.
func (s split) removeParts(ctx context.Context, name, id string, parts int) error {
	for i := 2; i <= parts; i++ {
		if err := s.ring.Remove(ctx, s.part(name, id, i)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// Remove removes the item before its parts, so that no reader finds the item without its parts. It also removes
// parts that interrupted writes have left.
func (s split) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := s.ring.Remove(ctx, name); err != nil {
		return err
	}
	all, err := s.ring.Names(ctx)
	if err != nil {
		return err
	}
	for _, part := range all {
		if suffix, ok := strings.CutPrefix(part, name); ok && partName().FindString(part) == suffix && suffix != "" {
			if err := s.ring.Remove(ctx, part); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

func (s split) Names(ctx context.Context) ([]string, error) {
	all, err := s.ring.Names(ctx)
	if err != nil {
		return nil, err
	}
	names := all[:0]
	for _, name := range all {
		if !partName().MatchString(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Stamp returns the stamp of the first part. Every write replaces the first part.
func (s split) Stamp(ctx context.Context, name string) (string, error) {
	return s.ring.Stamp(ctx, name)
}

func (s split) Check(ctx context.Context) error { return s.ring.Check(ctx) }
