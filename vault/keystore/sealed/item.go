package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// An Item is a named secret. Items of different kinds can have the same name.
type Item struct {
	Kind  string // chosen by the caller
	Name  string
	Data  []byte
	Touch bool // whether opening the item needs a touch of a security key, even while the store is unlocked

	stamp string // random ID of the write that stored the item; Rekey does not change it
}

// A label describes the item in a file. It is encrypted separately from the item and always with the master key,
// so that Names can read labels without opening items.
type label struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Generation int    `json:"generation"` // the generation of the master key, as in the header
	Stamp      string `json:"stamp"`      // random ID of the write that stored the item
	Touch      bool   `json:"touch,omitempty"`
}

const (
	itemMagic = "aws-vault sealed item 1\n"
	saltSize  = 32

	// MaxItem is the maximum length of an item, in bytes.
	MaxItem = 256 << 10

	maxItemFile = MaxItem + 64<<10
)

// The two parts of an item's file: the label and the item itself. Each part has its own nonce.
const (
	labelPart = 0
	bodyPart  = 1
)

var (
	errNotItem   = errors.New("the file is not an item in the expected format")
	errTampered  = errors.New("the file was changed, or belongs to another item or store")
	errOtherItem = errors.New("the file contains another item, or an older version of this item")
)

// location returns the additional authenticated data that binds a file to its store, its master key and its file
// name. If the file is moved elsewhere, its decryption fails.
func location(h *Header, file string) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%s\n", headerFormat, h.Store, h.Key, h.Generation, file)
}

// aead returns the cipher for one write. The key of the cipher is derived from the key k and a long random salt,
// so each write has a different key. The nonce therefore only has to differ between the two parts of a file.
func aead(h *Header, k MasterKey, salt []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(derive(k, salt, forItem+"\n"+h.Store))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func nonce(part byte) []byte {
	n := make([]byte, 12)
	n[len(n)-1] = part
	return n
}

// sealItem returns the content of an item's file. It encrypts the label with the master key. It encrypts the item
// with the touch key if it.Touch is set, and with the master key otherwise.
func sealItem(h *Header, k MasterKey, touch *MasterKey, file string, it Item) ([]byte, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	text, err := json.Marshal(label{Kind: it.Kind, Name: it.Name, Generation: h.Generation, Stamp: it.stamp, Touch: it.Touch})
	if err != nil {
		return nil, err
	}
	outer, err := aead(h, k, salt)
	if err != nil {
		return nil, err
	}
	inner := outer
	if it.Touch {
		if inner, err = aead(h, *touch, salt); err != nil {
			return nil, err
		}
	}
	loc := location(h, file)
	out := append([]byte(itemMagic), salt...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(text)+outer.Overhead()))
	out = outer.Seal(out, nonce(labelPart), text, loc)
	return inner.Seal(out, nonce(bodyPart), it.Data, append(loc, text...)), nil
}

// An openedFile is an item's file whose label has been decrypted.
type openedFile struct {
	label
	text, body, salt []byte
	location         []byte
	outer            cipher.AEAD
}

// openLabel decrypts the label of a file.
func openLabel(h *Header, k MasterKey, file string, data []byte) (*openedFile, error) {
	rest, ok := bytes.CutPrefix(data, []byte(itemMagic))
	if !ok || len(rest) < saltSize+2 {
		return nil, errNotItem
	}
	o := &openedFile{salt: rest[:saltSize], location: location(h, file)}
	size := int(binary.BigEndian.Uint16(rest[saltSize:]))
	rest = rest[saltSize+2:]
	if size > len(rest) {
		return nil, errNotItem
	}
	var err error
	if o.outer, err = aead(h, k, o.salt); err != nil {
		return nil, err
	}
	if o.text, err = o.outer.Open(nil, nonce(labelPart), rest[:size], o.location); err != nil {
		return nil, errTampered
	}
	o.body = rest[size:]
	if json.Unmarshal(o.text, &o.label) != nil || o.Generation != h.Generation {
		return nil, errOtherItem
	}
	return o, nil
}

// open decrypts the item in the file.
func (o *openedFile) open(h *Header, touch *MasterKey) (Item, error) {
	cipher := o.outer
	if o.Touch {
		var err error
		if cipher, err = aead(h, *touch, o.salt); err != nil {
			return Item{}, err
		}
	}
	data, err := cipher.Open(nil, nonce(bodyPart), o.body, append(o.location, o.text...))
	if err != nil {
		return Item{}, errTampered
	}
	return Item{Kind: o.Kind, Name: o.Name, Data: data, Touch: o.Touch, stamp: o.Stamp}, nil
}
