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

// An Item is a named secret. Two items of different kinds may have one name.
type Item struct {
	Kind  string // what it is for: a word of the caller's
	Name  string
	Data  []byte
	Touch bool // it opens with a touch only, however long the store stays unlocked

	stamp string // of its writing; kept when it is sealed anew
}

// label is what a file says of its item to those who have the master key, apart from the item,
// so that a list of names opens none.
type label struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Generation int    `json:"generation"` // of the master key
	Stamp      string `json:"stamp"`      // random, of the item's writing
	Touch      bool   `json:"touch,omitempty"`
}

const (
	itemMagic = "aws-vault sealed item 1\n"
	saltSize  = 32

	// MaxItem is the most bytes that an item may have.
	MaxItem = 256 << 10

	maxItemFile = MaxItem + 64<<10
)

// The two parts of a file are sealed with one key, which no other writing has, and with a number each.
const (
	labelPart = 0
	bodyPart  = 1
)

var (
	errNotItem   = errors.New("it is not an item of this format")
	errTampered  = errors.New("it was changed, or belongs to another place or store")
	errOtherItem = errors.New("it is another item, or an older one")
)

// location is where a file lies. A file that is carried to another place does not open there.
func location(h *Header, file string) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%s\n", headerFormat, h.Store, h.Key, h.Generation, file)
}

// aead is the cipher for one writing. The key is made from a salt that is random and long, so
// that no key comes twice, and a nonce need only tell the two parts apart.
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

// sealItem gives the file of an item. With a touch key, the item is sealed under that and its
// label under the master key.
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

// An opened file is one whose label was read.
type openedFile struct {
	label
	text, body, salt []byte
	location         []byte
	outer            cipher.AEAD
}

// openLabel reads the label of a file.
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

// open opens the item itself.
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
