package keystore

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/godbus/dbus/v5"
)

// Secrets are sent over the bus in a session that encrypts them, so that programs that monitor the bus cannot
// read them.
// https://specifications.freedesktop.org/secret-service/latest/transfer-secrets.html
const (
	algorithmDH    = "dh-ietf1024-sha256-aes128-cbc-pkcs7"
	algorithmPlain = "plain"
)

// wireSecret is the Secret structure of the specification.
// https://specifications.freedesktop.org/secret-service/latest/types.html
type wireSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// A secretSession encrypts secrets for the bus. If it has no key, it sends secrets in plain text.
type secretSession struct {
	path dbus.ObjectPath
	key  []byte
}

// groupPrime returns the prime of the Second Oakley Group, the only group in the specification. Its generator is
// 2. The group is weak by today's standards, but other users cannot read the session bus anyway.
// https://www.rfc-editor.org/rfc/rfc2409#section-6.2
func groupPrime() *big.Int {
	p, _ := new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD1"+
		"29024E088A67CC74020BBEA63B139B22514A08798E3404DD"+
		"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245"+
		"E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"+
		"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)
	return p
}

const groupSize = 128 // bytes

// An exchange is our key pair for a Diffie-Hellman key exchange.
type exchange struct{ private, public *big.Int }

func newExchange() exchange {
	private := new(big.Int).SetBytes(random(groupSize))
	return exchange{private, new(big.Int).Exp(big.NewInt(2), private, groupPrime())}
}

var errBadExchange = errors.New("the service's public key for the key exchange is invalid")

// sharedKey returns the key that both sides derive. The argument theirs is the other side's public key.
func (e exchange) sharedKey(theirs []byte) ([]byte, error) {
	y := new(big.Int).SetBytes(theirs)
	top := new(big.Int).Sub(groupPrime(), big.NewInt(1))
	if len(theirs) > groupSize || y.Cmp(big.NewInt(1)) <= 0 || y.Cmp(top) >= 0 {
		return nil, errBadExchange
	}
	shared := new(big.Int).Exp(y, e.private, groupPrime()).FillBytes(make([]byte, groupSize))
	return hkdf.Key(sha256.New, shared, nil, "", aes.BlockSize)
}

// openSession opens an encrypted session, or a plain one if the service supports no encryption.
func (s *secretService) openSession(ctx context.Context) (*secretSession, error) {
	var output dbus.Variant
	var path dbus.ObjectPath
	ours := newExchange()
	input := []any{algorithmDH, dbus.MakeVariant(ours.public.FillBytes(make([]byte, groupSize)))}
	err := s.call(ctx, servicePath, serviceInterface+".OpenSession", input, &output, &path)
	if errorName(err) == "org.freedesktop.DBus.Error.NotSupported" {
		s.config.debug("the Secret Service does not support encrypted sessions")
		input = []any{algorithmPlain, dbus.MakeVariant("")}
		err = s.call(ctx, servicePath, serviceInterface+".OpenSession", input, &output, &path)
		return &secretSession{path: path}, err
	}
	if err != nil {
		return nil, err
	}
	theirs, ok := output.Value().([]byte)
	if !ok {
		return nil, errBadExchange
	}
	key, err := ours.sharedKey(theirs)
	return &secretSession{path: path, key: key}, err
}

// seal encrypts content for the bus.
func (s *secretSession) seal(content []byte) (wireSecret, error) {
	w := wireSecret{Session: s.path, Parameters: []byte{}, Value: content, ContentType: "application/json"}
	if s.key == nil {
		return w, nil
	}
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return wireSecret{}, err
	}
	pad := aes.BlockSize - len(content)%aes.BlockSize
	w.Value = append(bytes.Clone(content), bytes.Repeat([]byte{byte(pad)}, pad)...)
	w.Parameters = random(aes.BlockSize)
	cipher.NewCBCEncrypter(block, w.Parameters).CryptBlocks(w.Value, w.Value)
	return w, nil
}

var errBadSecret = errors.New("the service's secret cannot be decrypted")

// open decrypts a secret from the bus.
func (s *secretSession) open(w wireSecret) ([]byte, error) {
	if s.key == nil {
		return w.Value, nil
	}
	if len(w.Parameters) != aes.BlockSize || len(w.Value) == 0 || len(w.Value)%aes.BlockSize != 0 {
		return nil, errBadSecret
	}
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return nil, err
	}
	content := make([]byte, len(w.Value))
	cipher.NewCBCDecrypter(block, w.Parameters).CryptBlocks(content, w.Value)
	pad := int(content[len(content)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.HasSuffix(content, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errBadSecret
	}
	return content[:len(content)-pad], nil
}
