package sealed

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// keySize is the length of a master key, and of every key made from one, in bytes.
const keySize = 32

// A MasterKey is what every key of a store is made from. It prints as stars.
type MasterKey [keySize]byte

// String keeps the key out of logs.
func (MasterKey) String() string { return "****" }

// GoString keeps the key out of logs.
func (MasterKey) GoString() string { return "****" }

func newMasterKey() (k MasterKey) {
	rand.Read(k[:])
	return k
}

// Each key made from a master key is for one purpose; docs/sealed.md has the list.
const (
	forID     = "aws-vault sealed 1 id"
	forHeader = "aws-vault sealed 1 header"
	forNames  = "aws-vault sealed 1 names"
	forItem   = "aws-vault sealed 1 item"
)

// derive makes the key for one purpose. HKDF fails only where far longer ones are asked for.
func derive(k MasterKey, salt []byte, purpose string) []byte {
	key, _ := hkdf.Key(sha256.New, k[:], salt, purpose, keySize)
	return key
}

// id names a master key of a store, and tells nothing of it.
func (k MasterKey) id(store string) string {
	return hex.EncodeToString(derive(k, []byte(store), forID)[:8])
}

// fileName is what the item of a kind and name goes by in a directory.
func (k MasterKey) fileName(store, kind, name string) string {
	h := hmac.New(sha256.New, derive(k, []byte(store), forNames))
	h.Write([]byte(kind + "\x00" + name))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// randomHex is n random bytes in hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
