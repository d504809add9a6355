package fakecard

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"crypto/subtle"
)

const (
	slotManagement = 0x9b
	alg3DES        = 0x03
	algAES128      = 0x08
	algAES192      = 0x0a
	algAES256      = 0x0c
)

// A managementKey is the key with which a client proves that it may change the card.
type managementKey struct {
	alg     byte
	key     []byte
	factory bool

	proved    bool
	witness   []byte // random; set while host and card authenticate to each other
	challenge []byte // random; set while only the host authenticates
}

// newManagementKey returns the factory key, which is the same for all cards. Since firmware 5.7, it is an AES key.
func newManagementKey(c *Card) managementKey {
	k := managementKey{alg: alg3DES, key: bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 3), factory: true}
	if c.atLeast(5, 7) {
		k.alg = algAES192
	}
	return k
}

func (k *managementKey) clearAuth() { k.proved, k.witness, k.challenge = false, nil, nil }

func (k *managementKey) metadata() []byte {
	return fields(field{1, []byte{k.alg}}, field{2, []byte{0, touchNever}}, field{5, boolByte(k.factory)})
}

// block returns the cipher for the key. It cannot fail, because the key's length was checked when the key was set.
func (k *managementKey) block() cipher.Block {
	newCipher := aes.NewCipher
	if k.alg == alg3DES {
		newCipher = des.NewTripleDESCipher
	}
	b, err := newCipher(k.key)
	if err != nil {
		panic(err)
	}
	return b
}

func managementKeyLength(alg byte) int {
	switch alg {
	case alg3DES, algAES192:
		return 24
	case algAES128:
		return 16
	case algAES256:
		return 32
	}
	return 0
}

func (k *managementKey) change(c command) status {
	if !k.proved {
		return notAllowed
	}
	if len(c.data) < 3 || c.data[1] != slotManagement {
		return wrongData
	}
	value := c.data[3:]
	if int(c.data[2]) != len(value) || managementKeyLength(c.data[0]) != len(value) {
		return wrongData
	}
	k.alg, k.key, k.factory = c.data[0], bytes.Clone(value), false
	return done
}

const (
	tagWitness   = 0x80
	tagChallenge = 0x81
	tagResponse  = 0x82
	tagDynamic   = 0x7c // the field that contains the other fields
)

// authenticate implements GENERAL AUTHENTICATE with the management key. The client sends two commands for it.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-73-4.pdf part 2, appendix A.1
func (k *managementKey) authenticate(alg byte, args []field) ([]byte, status) {
	if alg != k.alg && (alg != 0 || k.alg != alg3DES) {
		return nil, wrongData
	}
	b := k.block()
	switch {
	case has(args, tagWitness) && len(find(args, tagWitness)) == 0:
		k.witness = random(b.BlockSize())
		return encode(tagDynamic, encode(tagWitness, encrypt(b, k.witness))), done
	case has(args, tagWitness) && has(args, tagChallenge):
		witness, challenge := k.witness, find(args, tagChallenge)
		k.witness = nil
		if witness == nil || len(challenge) != b.BlockSize() || subtle.ConstantTimeCompare(witness, find(args, tagWitness)) != 1 {
			return nil, notAllowed
		}
		k.proved = true
		return encode(tagDynamic, encode(tagResponse, encrypt(b, challenge))), done
	case has(args, tagChallenge) && len(find(args, tagChallenge)) == 0:
		k.challenge = random(b.BlockSize())
		return encode(tagDynamic, encode(tagChallenge, k.challenge)), done
	case has(args, tagResponse) && k.challenge != nil:
		want := encrypt(b, k.challenge)
		k.challenge = nil
		if subtle.ConstantTimeCompare(want, find(args, tagResponse)) != 1 {
			return nil, notAllowed
		}
		k.proved = true
		return nil, done
	}
	return nil, wrongData
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func encrypt(b cipher.Block, plain []byte) []byte {
	out := make([]byte, len(plain))
	b.Encrypt(out, plain)
	return out
}
