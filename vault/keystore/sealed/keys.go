package sealed

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// keySize is the length of master keys and of all derived keys, in bytes.
const keySize = 32

// A MasterKey is the key from which the other keys of a store are derived. Touch keys have this type too. A
// MasterKey prints as "****".
type MasterKey [keySize]byte

// String keeps the key out of logs.
func (MasterKey) String() string { return "****" }

// GoString keeps the key out of logs.
func (MasterKey) GoString() string { return "****" }

func newMasterKey() (k MasterKey) {
	rand.Read(k[:])
	return k
}

// The purposes of derived keys. docs/sealed.md describes them.
const (
	forID     = "aws-vault sealed 1 id"
	forHeader = "aws-vault sealed 1 header"
	forNames  = "aws-vault sealed 1 names"
	forItem   = "aws-vault sealed 1 item"
)

// derive derives the key for one purpose with HKDF. HKDF cannot fail for a key of this length.
func derive(k MasterKey, salt []byte, purpose string) []byte {
	key, _ := hkdf.Key(sha256.New, k[:], salt, purpose, keySize)
	return key
}

// id returns the public ID of a master key. It reveals nothing about the key.
func (k MasterKey) id(store string) string {
	return hex.EncodeToString(derive(k, []byte(store), forID)[:8])
}

// fileName returns the file name for the item of a kind and name.
func (k MasterKey) fileName(store, kind, name string) string {
	h := hmac.New(sha256.New, derive(k, []byte(store), forNames))
	h.Write([]byte(kind + "\x00" + name))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// randomHex returns n random bytes as hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
