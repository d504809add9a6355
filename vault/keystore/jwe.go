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

// The file keystore stores items as JSON Web Encryption in compact form. A passphrase wraps a key
// (PBES2-HS256+A128KW), and that key encrypts the content (A256GCM).
// https://www.rfc-editor.org/rfc/rfc7516#section-3.1
// https://www.rfc-editor.org/rfc/rfc7518#section-4.8
const (
	jweAlgorithm  = "PBES2-HS256+A128KW"
	jweEncryption = "A256GCM"

	// jweRounds is the number of PBKDF2 rounds that aws-vault 7 writes. This number is low: it slows attackers
	// down only a little, so the user has to choose a strong passphrase.
	jweRounds = 8192

	// jweMaxRounds is the maximum number of rounds that this package accepts from a file. This many rounds take
	// about 0.2 s. jose2go, the library of aws-vault 7, has the same limit.
	jweMaxRounds = 1_300_000

	jweKeySize  = 32 // the length of an A256GCM key, in bytes
	jweWrapSize = 16 // the length of an A128KW key, in bytes
	jweNonce    = 12
	jweTag      = 16
	jweMinSalt  = 8 // https://www.rfc-editor.org/rfc/rfc7518#section-4.8.1.1
)

// jweHeader is the JSON header. Its fields are sorted by name, as jose2go writes them.
type jweHeader struct {
	Algorithm  string `json:"alg"`
	Created    string `json:"created,omitempty"`
	Encryption string `json:"enc"`
	Rounds     int64  `json:"p2c"`
	Salt       string `json:"p2s"`
	Compressed string `json:"zip,omitempty"`
}

// jwe is the parsed form of an encrypted item.
type jwe struct {
	header    string // the header exactly as in the file, because the tag of the content authenticates it
	rounds    int
	salt      []byte
	key       []byte // the wrapped key
	nonce     []byte
	text, tag []byte

	unwrapped  []byte // the key that encrypts the content; nil until a passphrase has unwrapped it
	passphrase string // the passphrase that unwrapped the key
}

// jweSalt returns the PBKDF2 salt, which includes the name of the algorithm.
func jweSalt(salt []byte) []byte { return append([]byte(jweAlgorithm+"\x00"), salt...) }

var base64url = base64.RawURLEncoding.Strict()

// parseJWE parses an encrypted item (token) without deriving a key. It rejects every algorithm and form that
// aws-vault does not write.
func parseJWE(token string) (*jwe, error) {
	if strings.ContainsAny(token, "\r\n") { // base64 decoders ignore line breaks
		return nil, errors.New("the file has several lines, expected one (JSON Web Encryption)")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 5 {
		return nil, fmt.Errorf("the file has %d parts, expected 5 (JSON Web Encryption)", len(parts))
	}
	raw := make([][]byte, len(parts))
	for i, part := range parts {
		var err error
		if raw[i], err = base64url.DecodeString(part); err != nil {
			return nil, fmt.Errorf("part %d of the file is not base64url", i+1)
		}
	}
	rounds, salt, err := parseJWEHeader(raw[0])
	if err != nil {
		return nil, err
	}
	j := &jwe{header: parts[0], rounds: rounds, salt: salt, key: raw[1], nonce: raw[2], text: raw[3], tag: raw[4]}
	if len(j.key) != jweKeySize+8 || len(j.nonce) != jweNonce || len(j.tag) != jweTag {
		return nil, fmt.Errorf("the wrapped key has %d bytes, the nonce %d and the tag %d, expected %d, %d and %d",
			len(j.key), len(j.nonce), len(j.tag), jweKeySize+8, jweNonce, jweTag)
	}
	return j, nil
}

func parseJWEHeader(data []byte) (rounds int, salt []byte, err error) {
	var h jweHeader
	if json.Unmarshal(data, &h) != nil {
		return 0, nil, errors.New("the header is not JSON in the expected format")
	}
	if h.Algorithm != jweAlgorithm || h.Encryption != jweEncryption || h.Compressed != "" {
		return 0, nil, fmt.Errorf("the file uses the algorithms %q and %q, expected %s and %s without compression",
			h.Algorithm, h.Encryption, jweAlgorithm, jweEncryption)
	}
	if h.Rounds < 1 || h.Rounds > jweMaxRounds {
		return 0, nil, fmt.Errorf("the file requests %d PBKDF2 rounds, expected 1 to %d", h.Rounds, jweMaxRounds)
	}
	salt, err = base64url.DecodeString(h.Salt)
	if err != nil || len(salt) < jweMinSalt {
		return 0, nil, fmt.Errorf("the salt is not base64url of at least %d bytes", jweMinSalt)
	}
	return int(h.Rounds), salt, nil
}

// String returns the encrypted item in compact form.
func (j *jwe) String() string {
	return strings.Join([]string{j.header, base64url.EncodeToString(j.key), base64url.EncodeToString(j.nonce),
		base64url.EncodeToString(j.text), base64url.EncodeToString(j.tag)}, ".")
}

var errTampered = errors.New("the content was changed or truncated after it was encrypted")

// open decrypts the content. It returns ErrWrongPassphrase if passphrase does not unwrap the key.
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

// unwrap returns the key that encrypts the content. It caches this key, so that a second call with the same
// passphrase needs no derivation.
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
		return nil, ErrWrongPassphrase // the length was checked, so only the integrity check can fail
	}
	j.unwrapped, j.passphrase = key, passphrase
	return key, nil
}

// A wrapping is a key that is derived from a passphrase and a salt. It wraps other keys.
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

// newWrapping derives a wrapping for one item. Each item needs a new salt.
func newWrapping(passphrase string) (wrapping, error) {
	return derive(passphrase, random(12), jweRounds)
}

// derivations counts PBKDF2 derivations for tests. Each one takes about 1 ms.
var derivations atomic.Int64

// sealJWE encrypts content with a new key, and wraps that key with the wrapping w. The header contains the time of
// the encryption (created) in plain text.
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
