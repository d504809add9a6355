package sealed

import (
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"strings"

	"filippo.io/age"
)

// wordList is the English word list of BIP 39. It has 2048 sorted words, which differ in their first four
// letters.
// https://github.com/bitcoin/bips/blob/master/bip-0039/english.txt
//
//go:embed words.txt
var wordList string

// WordCount is the number of words that encode an identity. Each word encodes 11 bits. Together, the words encode
// a secret of 256 bits and a checksum of 8 bits.
const WordCount = 24

const bitsPerWord = 11

// WordError reports recovery words that are not valid.
type WordError struct {
	Position int    // the position of the wrong word, starting at 1; 0 if the problem concerns all words
	Problem  string // what is wrong: a predicate such as "is not on the word list", or a sentence if Position is 0
}

func (e *WordError) Error() string {
	if e.Position == 0 {
		return e.Problem
	}
	return fmt.Sprintf("word %d %s", e.Position, e.Problem)
}

// NewWords creates an age identity. It returns the words that encode the identity, and the identity's recipient
// (its public key).
func NewWords() (words []string, recipient string, err error) {
	secret := make([]byte, keySize)
	rand.Read(secret)
	id, err := x25519Identity(secret)
	if err != nil {
		return nil, "", err
	}
	return encodeWords(secret), id.Recipient().String(), nil
}

// WordsIdentity returns the identity that the words encode, or a *[WordError].
func WordsIdentity(text string) (*age.X25519Identity, error) {
	secret, err := decodeWords(strings.Fields(strings.ToLower(text)))
	if err != nil {
		return nil, err
	}
	return x25519Identity(secret)
}

func encodeWords(secret []byte) []string {
	all := strings.Fields(wordList)
	sum := sha256.Sum256(secret)
	bits := append(append([]byte{}, secret...), sum[0])
	words := make([]string, WordCount)
	for i := range words {
		n := 0
		for bit := i * bitsPerWord; bit < (i+1)*bitsPerWord; bit++ {
			n = n<<1 | int(bits[bit/8]>>(7-bit%8)&1)
		}
		words[i] = all[n]
	}
	return words
}

func decodeWords(words []string) ([]byte, error) {
	if len(words) != WordCount {
		return nil, &WordError{Problem: fmt.Sprintf("found %d words, expected %d", len(words), WordCount)}
	}
	number := map[string]int{}
	for i, w := range strings.Fields(wordList) {
		number[w] = i
	}
	bits := make([]byte, keySize+1)
	for i, w := range words {
		n, ok := number[w]
		if !ok {
			// The error does not quote the word, which may be part of a secret.
			return nil, &WordError{Position: i + 1, Problem: "is not on the word list"}
		}
		for j := range bitsPerWord {
			bit := i*bitsPerWord + j
			bits[bit/8] |= byte(n>>(bitsPerWord-1-j)&1) << (7 - bit%8)
		}
	}
	secret := bits[:keySize]
	if sum := sha256.Sum256(secret); sum[0] != bits[keySize] {
		return nil, &WordError{Problem: "the words do not match their checksum: a word is wrong, or two words are swapped"}
	}
	return secret, nil
}

// x25519Identity returns the age identity with this secret key. It encodes the key as text, because age accepts no
// other form.
// https://c2sp.org/age#the-x25519-recipient-type
func x25519Identity(secret []byte) (*age.X25519Identity, error) {
	return age.ParseX25519Identity(bech32("AGE-SECRET-KEY-", secret))
}

const bech32Digits = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

// bech32 encodes data as Bech32 text in capital letters.
// https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki#bech32
func bech32(prefix string, data []byte) string {
	var values []byte
	acc, bits := 0, 0
	for _, b := range data {
		acc, bits = acc<<8|int(b), bits+8
		for ; bits >= 5; bits -= 5 {
			values = append(values, byte(acc>>(bits-5)&31))
		}
		acc &= 1<<bits - 1
	}
	if bits > 0 {
		values = append(values, byte(acc<<(5-bits)&31))
	}
	out := []byte(prefix + "1")
	for _, v := range append(values, bech32Sum(prefix, values)...) {
		out = append(out, bech32Digits[v])
	}
	return string(out)
}

func bech32Sum(prefix string, values []byte) []byte {
	var all []byte
	lower := strings.ToLower(prefix)
	for i := range len(lower) {
		all = append(all, lower[i]>>5)
	}
	all = append(all, 0)
	for i := range len(lower) {
		all = append(all, lower[i]&31)
	}
	all = append(append(all, values...), 0, 0, 0, 0, 0, 0)
	sum := uint32(1)
	for _, v := range all {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	sum ^= 1
	out := make([]byte, 6)
	for i := range out {
		out[i] = byte(sum >> (5 * (5 - i)) & 31)
	}
	return out
}
