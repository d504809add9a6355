package keystore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	keywrap "github.com/go-jose/go-jose/v4/cipher"
)

// The file keystore's items are JSON web encryptions in compact form: a passphrase wraps a key
// (PBES2-HS256+A128KW), and that key seals the content (A256GCM).
// https://www.rfc-editor.org/rfc/rfc7516#section-3.1
// https://www.rfc-editor.org/rfc/rfc7518#section-4.8
const (
	jweAlgorithm  = "PBES2-HS256+A128KW"
	jweEncryption = "A256GCM"

	// jweRounds is what aws-vault 7 derives a key with, and every version of it reads. It slows a
	// guesser little: the passphrase has to be a good one.
	jweRounds = 8192

	// jweMaxRounds is the most that a file may ask of us, a fifth of a second, and the most that
	// jose2go takes, the library that aws-vault 7 reads with.
	jweMaxRounds = 1_300_000

	jweKeySize  = 32 // A256GCM
	jweWrapSize = 16 // A128KW
	jweNonce    = 12
	jweTag      = 16
	jweMinSalt  = 8 // https://www.rfc-editor.org/rfc/rfc7518#section-4.8.1.1
)

// jweHeader has its fields in the order of their names, as jose2go writes them.
type jweHeader struct {
	Algorithm  string `json:"alg"`
	Created    string `json:"created,omitempty"`
	Encryption string `json:"enc"`
	Rounds     int64  `json:"p2c"`
	Salt       string `json:"p2s"`
	Compressed string `json:"zip,omitempty"`
}

// jwe is a sealed item, taken apart.
type jwe struct {
	header    string // as written: it is sealed along
	rounds    int
	salt      []byte
	key       []byte // wrapped
	nonce     []byte
	text, tag []byte

	unwrapped  []byte // sharedKey, once a passphrase has opened it
	passphrase string // that passphrase
}

// jweSalt is what goes into the derivation: the salt is bound to the algorithm.
func jweSalt(salt []byte) []byte { return append([]byte(jweAlgorithm+"\x00"), salt...) }

var base64url = base64.RawURLEncoding.Strict()

// parseJWE takes token apart and refuses whatever aws-vault does not write. It derives nothing.
func parseJWE(token string) (*jwe, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 5 || strings.ContainsAny(token, "\r\n") {
		return nil, fmt.Errorf("has %d parts, want a web encryption of 5", len(parts))
	}
	raw := make([][]byte, len(parts))
	for i, part := range parts {
		var err error
		if raw[i], err = base64url.DecodeString(part); err != nil {
			return nil, fmt.Errorf("part %d is not base64url", i+1)
		}
	}
	rounds, salt, err := parseJWEHeader(raw[0])
	if err != nil {
		return nil, err
	}
	j := &jwe{header: parts[0], rounds: rounds, salt: salt, key: raw[1], nonce: raw[2], text: raw[3], tag: raw[4]}
	if len(j.key) != jweKeySize+8 || len(j.nonce) != jweNonce || len(j.tag) != jweTag {
		return nil, fmt.Errorf("has a wrapped key of %d, a nonce of %d and a tag of %d bytes, want %d, %d and %d",
			len(j.key), len(j.nonce), len(j.tag), jweKeySize+8, jweNonce, jweTag)
	}
	return j, nil
}

func parseJWEHeader(data []byte) (rounds int, salt []byte, err error) {
	var h jweHeader
	if json.Unmarshal(data, &h) != nil {
		return 0, nil, errors.New("its header is not JSON of the expected form")
	}
	if h.Algorithm != jweAlgorithm || h.Encryption != jweEncryption || h.Compressed != "" {
		return 0, nil, fmt.Errorf("is sealed with %q and %q, want %s and %s, uncompressed",
			h.Algorithm, h.Encryption, jweAlgorithm, jweEncryption)
	}
	if h.Rounds < 1 || h.Rounds > jweMaxRounds {
		return 0, nil, fmt.Errorf("asks for %d rounds of derivation, want 1 to %d", h.Rounds, jweMaxRounds)
	}
	salt, err = base64url.DecodeString(h.Salt)
	if err != nil || len(salt) < jweMinSalt {
		return 0, nil, fmt.Errorf("its salt is not base64url of at least %d bytes", jweMinSalt)
	}
	return int(h.Rounds), salt, nil
}

// String is the token that j was parsed from.
func (j *jwe) String() string {
	return strings.Join([]string{j.header, base64url.EncodeToString(j.key), base64url.EncodeToString(j.nonce),
		base64url.EncodeToString(j.text), base64url.EncodeToString(j.tag)}, ".")
}

var errTampered = errors.New("its content was changed or cut after it was sealed")

// open returns the content, or ErrWrongPassphrase if passphrase does not unwrap the key.
func (j *jwe) open(passphrase string) ([]byte, error) {
	key, err := j.unwrap(passphrase)
	if err != nil {
		return nil, err
	}
	seal, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	content, err := seal.Open(nil, j.nonce, append(j.text[:len(j.text):len(j.text)], j.tag...), []byte(j.header))
	if err != nil {
		return nil, errTampered
	}
	return content, nil
}

// unwrap returns the key that seals the content. The passphrase is derived from once, however
// often it is tried.
func (j *jwe) unwrap(passphrase string) ([]byte, error) {
	if j.unwrapped != nil && j.passphrase == passphrase {
		return j.unwrapped, nil
	}
	w, err := derive(passphrase, j.salt, j.rounds)
	if err != nil {
		return nil, err
	}
	key, err := keywrap.KeyUnwrap(w.cipher, j.key)
	if err != nil {
		return nil, ErrWrongPassphrase // its length was checked, so only the integrity value is left to fail
	}
	j.unwrapped, j.passphrase = key, passphrase
	return key, nil
}

// A wrapping is what a passphrase wraps keys with, under one salt.
type wrapping struct {
	salt   []byte
	cipher cipher.Block
}

func derive(passphrase string, salt []byte, rounds int) (wrapping, error) {
	derivations.Add(1)
	key, err := pbkdf2.Key(sha256.New, passphrase, jweSalt(salt), rounds, jweWrapSize)
	if err != nil {
		return wrapping{}, err
	}
	block, err := aes.NewCipher(key)
	return wrapping{salt, block}, err
}

// newWrapping is for one item: the salt is another for each.
func newWrapping(passphrase string) (wrapping, error) {
	return derive(passphrase, random(12), jweRounds)
}

// derivations counts what was derived from passphrases, for tests: each takes a millisecond.
var derivations atomic.Int64

// sealJWE seals content under a new wrapping. What created says is readable to everyone.
func sealJWE(content []byte, w wrapping, created string) (*jwe, error) {
	key, nonce := random(jweKeySize), random(jweNonce)
	header, err := json.Marshal(jweHeader{
		Algorithm:  jweAlgorithm,
		Created:    created,
		Encryption: jweEncryption,
		Rounds:     jweRounds,
		Salt:       base64url.EncodeToString(w.salt),
	})
	if err != nil {
		return nil, err
	}
	wrapped, err := keywrap.KeyWrap(w.cipher, key)
	if err != nil {
		return nil, err
	}
	seal, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	j := &jwe{header: base64url.EncodeToString(header), rounds: jweRounds, salt: w.salt, key: wrapped, nonce: nonce}
	sealed := seal.Seal(nil, nonce, content, []byte(j.header))
	j.text, j.tag = sealed[:len(sealed)-jweTag], sealed[len(sealed)-jweTag:]
	return j, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
