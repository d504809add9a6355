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
)

// split keeps items that are too long for the ring below in several of its items. An item that
// is short enough is kept as it is, as aws-vault 7 keeps it.
//
// The parts of one writing have a number in common that no other writing has. They are written
// before the item itself, which names the number and has the first part: until then the old item
// stands with its own parts, and whatever is missing later is noticed.
type split struct {
	ring     Ring
	limit    int // bytes that the ring below takes
	location string
}

// The item itself, and each part, begin with a line that says what follows.
const (
	splitFormat = "aws-vault split %s %d\n" // the writing's number, how many parts, the first included
	splitMark   = "aws-vault split "
	splitHead   = 64 // bytes kept for that line

	maxSplitParts = 128
	maxRereads    = 32
)

// They are compiled when an item is split, which few are.
var (
	splitLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^aws-vault split ([0-9a-f]{16}) ([1-9][0-9]{0,2})\n`)
	})
	partName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`#[0-9a-f]{16}\.[1-9][0-9]*$`) })
)

func (s split) part(name, id string, i int) string { return fmt.Sprintf("%s#%s.%d", name, id, i) }

var (
	errBadSplit    = errors.New("the line that says how it is split is not one of ours")
	errPartMissing = errors.New("a part of it is missing")
)

// A writing is what the ring holds under an item's name.
type splitVersion struct {
	id    string // empty for a whole item that is not marked
	parts int    // 1 for a whole item
	first []byte // the first part
}

// parseSplit takes apart what the ring holds under an item's name.
func parseSplit(data []byte) (splitVersion, error) {
	if !bytes.HasPrefix(data, []byte(splitMark)) {
		return splitVersion{parts: 1, first: data}, nil
	}
	line := splitLine().FindSubmatch(data)
	if line == nil {
		return splitVersion{}, errBadSplit
	}
	w := splitVersion{id: string(line[1]), first: data[len(line[0]):]}
	fmt.Sscan(string(line[2]), &w.parts) // digits, by the pattern
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
			lastID = w.id // perhaps it was replaced between its parts: then it has another number now
		case errors.Is(err, errPartMissing) || errors.Is(err, errBadSplit):
			return Item{}, &DamagedError{Name: name, Where: s.location, Err: err}
		default:
			return Item{}, err
		}
	}
	return Item{}, fmt.Errorf("item %q in %s: replaced %d times while it was read", name, s.location, maxRereads)
}

// join appends the other parts of an item to its first.
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
		return &NameError{Name: it.Name, Reason: "is kept for parts of long items"}
	}
	old := s.currentVersion(ctx, it.Name)
	if err := s.put(ctx, it); err != nil {
		return err
	}
	return s.removeParts(ctx, it.Name, old.id, old.parts)
}

// currentVersion is the item as it stands; without parts if it cannot be read.
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
		return fmt.Errorf("item %q: %d bytes, want at most %d", it.Name, len(it.Data), maxSplitParts*size)
	}
	id, all := hex.EncodeToString(random(8)), it.Data
	cut := func(i int) []byte { return all[(i-1)*size : min(i*size, len(all))] }
	for i := 2; i <= parts; i++ {
		part := it
		part.Name, part.Data = s.part(it.Name, id, i), cut(i)
		if err := s.ring.Put(ctx, part); err != nil {
			s.removeParts(context.WithoutCancel(ctx), it.Name, id, i) // what stays is only in the way
			return err
		}
	}
	it.Data = append(fmt.Appendf(nil, splitFormat, id, parts), cut(1)...)
	if err := s.ring.Put(ctx, it); err != nil {
		s.removeParts(context.WithoutCancel(ctx), it.Name, id, parts)
		return err
	}
	return nil
}

// removeParts removes the parts of one writing; those that are gone already do not matter.
func (s split) removeParts(ctx context.Context, name, id string, parts int) error {
	for i := 2; i <= parts; i++ {
		if err := s.ring.Remove(ctx, s.part(name, id, i)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// Remove removes the item before its parts, so that it is never found without them. Parts that an
// interrupted writing has left go with it.
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

// Stamp is the item's own: each writing writes it.
func (s split) Stamp(ctx context.Context, name string) (string, error) {
	return s.ring.Stamp(ctx, name)
}

func (s split) Check(ctx context.Context) error { return s.ring.Check(ctx) }
