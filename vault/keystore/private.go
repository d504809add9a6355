package keystore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// privateRing is a ring whose items go by a digest of their name in the ring below, with the name and
// all else inside the secret: who lists the keystore learns how many there are and no more.
type privateRing struct {
	ring     Ring
	location string // for a *DamagedError
}

// privateName is what an item called name goes by. A digest goes by itself, so that what Names returns
// can be opened.
func privateName(name string) string {
	if isDigest(name) {
		return name
	}
	sum := sha256.Sum256([]byte("aws-vault private item\x00" + name))
	return hex.EncodeToString(sum[:16])
}

// isDigest reports whether a name is one that hide gives.
func isDigest(name string) bool {
	return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
}

var errOtherItem = errors.New("it is another item's content")

func (h privateRing) Item(ctx context.Context, name string) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	outer, err := h.ring.Item(ctx, privateName(name))
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return Item{}, &DamagedError{Name: name, Where: damaged.Where, Err: damaged.Err}
	}
	if err != nil {
		return Item{}, err
	}
	it, err := decodePayload(outer.Data)
	if err == nil && privateName(it.Name) != privateName(name) {
		err = errOtherItem // a file was moved over another
	}
	if err != nil {
		return Item{}, &DamagedError{Name: name, Where: h.location, Err: err}
	}
	it.Touch = outer.Touch
	return it, nil
}

func (h privateRing) Put(ctx context.Context, it Item) error {
	if err := checkName(it.Name); err != nil {
		return err
	}
	return h.ring.Put(ctx, Item{
		Name:        privateName(it.Name),
		Label:       "aws-vault",
		Description: "aws-vault private item",
		Data:        encodePayload(it),
		Touch:       it.Touch,
		Untrusted:   it.Untrusted,
	})
}

func (h privateRing) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return h.ring.Remove(ctx, privateName(name))
}

func (h privateRing) Names(ctx context.Context) ([]string, error) {
	all, err := h.ring.Names(ctx)
	if err != nil {
		return nil, err
	}
	names := all[:0]
	for _, name := range all {
		if isDigest(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (h privateRing) Stamp(ctx context.Context, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	return h.ring.Stamp(ctx, privateName(name))
}

func (h privateRing) Check(ctx context.Context) error { return h.ring.Check(ctx) }
