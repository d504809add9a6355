package keystore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// privateRing stores its items in another ring, under digests of their names. The names and all other fields are
// part of the secret, so a listing of the keystore reveals only the number of items.
type privateRing struct {
	ring     Ring
	location string // the value for the field Where of a *DamagedError
}

// PrivateName returns the digest under which the private item with this name is listed. If name is already a
// digest, PrivateName returns it unchanged, so that callers can use the digests from the method Names as names.
func PrivateName(name string) string {
	if isDigest(name) {
		return name
	}
	sum := sha256.Sum256([]byte("aws-vault private item\x00" + name))
	return hex.EncodeToString(sum[:16])
}

// isDigest reports whether name has the form of a digest from PrivateName.
func isDigest(name string) bool {
	return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
}

var errOtherItem = errors.New("the content belongs to another item")

func (h privateRing) Item(ctx context.Context, name string) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	outer, err := h.ring.Item(ctx, PrivateName(name))
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return Item{}, &DamagedError{Name: name, Where: damaged.Where, Err: damaged.Err}
	}
	if err != nil {
		return Item{}, err
	}
	it, err := decodePayload(outer.Data)
	if err == nil && PrivateName(it.Name) != PrivateName(name) {
		err = errOtherItem // a file was moved to the name of another item
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
		Name:        PrivateName(it.Name),
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
	return h.ring.Remove(ctx, PrivateName(name))
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
	return h.ring.Stamp(ctx, PrivateName(name))
}

func (h privateRing) Check(ctx context.Context) error { return h.ring.Check(ctx) }
