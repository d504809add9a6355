package fakecard

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"time"
)

// The numbers of the algorithms in the applet's commands.
const (
	algRSA3072 = 0x05
	algRSA1024 = 0x06
	algRSA2048 = 0x07
	algP256    = 0x11
	algP384    = 0x14
	algRSA4096 = 0x16
	algEd25519 = 0xe0
	algX25519  = 0xe1
)

const (
	pinNever, pinOnce, pinAlways              = 1, 2, 3
	touchNever, touchAlways, touchCached      = 1, 2, 3
	touchLasts                                = 15 * time.Second // how long a cached touch is valid
	slotAttestation                      byte = 0xf9
)

// A pivKey is the key in a slot.
type pivKey struct {
	alg        byte
	pin, touch byte // the PIN policy and the touch policy
	imported   bool
	private    any // an *ecdsa.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey or *ecdh.PrivateKey
	touched    time.Time
}

func validSlot(s byte) bool {
	return s >= 0x9a && s <= 0x9e && s != slotManagement || s == slotAttestation || s >= 0x82 && s <= 0x95
}

// newKey returns a key with the policies in the fields args. A policy that is missing there has the slot's default.
// newKey returns false if the card does not support the policies.
// https://docs.yubico.com/yesdk/users-manual/application-piv/pin-touch-policies.html
func newKey(alg, slot byte, args []field) (*pivKey, bool) {
	k := &pivKey{alg: alg, pin: pinOnce, touch: touchNever}
	switch slot {
	case 0x9c:
		k.pin = pinAlways
	case 0x9e, slotAttestation:
		k.pin = pinNever
	}
	if v := find(args, 0xaa); len(v) == 1 && v[0] != 0 {
		k.pin = v[0]
	}
	if v := find(args, 0xab); len(v) == 1 && v[0] != 0 {
		k.touch = v[0]
	}
	return k, k.pin <= pinAlways && k.touch <= touchCached // this card has no fingerprint policies
}

func (p *pivApplet) generate(c command) ([]byte, status) {
	switch {
	case !p.management.proved:
		return nil, notAllowed
	case !validSlot(c.p2):
		return nil, wrongParameters
	}
	top, _ := decode(c.data)
	args, ok := decode(find(top, 0xac))
	alg := find(args, 0x80)
	if !ok || len(alg) != 1 || p.tooNew(alg[0]) {
		return nil, wrongData
	}
	k, ok := newKey(alg[0], c.p2, args)
	if !ok {
		return nil, wrongData
	}
	if k.private = generatePrivate(k.alg); k.private == nil {
		return nil, wrongData
	}
	p.keys[c.p2] = k
	return encode(0x7f49, k.public()), done
}

// tooNew reports whether the algorithm needs newer firmware than this card has.
func (p *pivApplet) tooNew(alg byte) bool {
	switch alg {
	case algRSA3072, algRSA4096, algEd25519, algX25519:
		return !p.card.atLeast(5, 7)
	}
	return false
}

// generatePrivate generates a private key. It returns nil for an unknown algorithm.
func generatePrivate(alg byte) any {
	var k any
	var err error
	switch alg {
	case algP256:
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case algP384:
		k, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case algEd25519:
		_, k, err = ed25519.GenerateKey(rand.Reader)
	case algX25519:
		k, err = ecdh.X25519().GenerateKey(rand.Reader)
	default:
		bits := bitsOf(alg)
		if bits == 0 {
			return nil
		}
		k, err = rsa.GenerateKey(rand.Reader, bits)
	}
	if err != nil {
		return nil
	}
	return k
}

// bitsOf returns the length of an RSA modulus in bits, or 0 if alg is not RSA.
func bitsOf(alg byte) int {
	switch alg {
	case algRSA1024:
		return 1024
	case algRSA2048:
		return 2048
	case algRSA3072:
		return 3072
	case algRSA4096:
		return 4096
	}
	return 0
}

func (p *pivApplet) importKey(c command) status {
	switch {
	case !p.management.proved:
		return notAllowed
	case !validSlot(c.p2):
		return wrongParameters
	}
	args, ok := decode(c.data)
	if !ok || p.tooNew(c.p1) {
		return wrongData
	}
	k, ok := newKey(c.p1, c.p2, args)
	if !ok {
		return wrongData
	}
	k.imported = true
	if k.private = parsePrivate(c.p1, args); k.private == nil {
		return wrongData
	}
	p.keys[c.p2] = k
	return done
}

// parsePrivate creates a private key from its parts. It returns nil if the parts are not valid.
// https://docs.yubico.com/yesdk/users-manual/application-piv/apdu/import-asym.html
func parsePrivate(alg byte, parts []field) any {
	var k any
	var err error
	switch alg {
	case algP256:
		k, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), find(parts, 6))
	case algP384:
		k, err = ecdsa.ParseRawPrivateKey(elliptic.P384(), find(parts, 6))
	case algEd25519:
		if len(find(parts, 7)) != ed25519.SeedSize {
			return nil
		}
		k = ed25519.NewKeyFromSeed(find(parts, 7))
	case algX25519:
		k, err = ecdh.X25519().NewPrivateKey(find(parts, 8))
	default:
		return parseRSA(bitsOf(alg), find(parts, 1), find(parts, 2))
	}
	if err != nil {
		return nil
	}
	return k
}

// parseRSA creates an RSA key from its two primes and the usual exponent, 65537.
func parseRSA(bits int, first, second []byte) any {
	p, q, one := new(big.Int).SetBytes(first), new(big.Int).SetBytes(second), big.NewInt(1)
	n := new(big.Int).Mul(p, q)
	if bits == 0 || n.BitLen() != bits {
		return nil
	}
	const exponent = 65537
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(big.NewInt(exponent), phi)
	if d == nil {
		return nil
	}
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: exponent}, D: d, Primes: []*big.Int{p, q}}
	if k.Validate() != nil {
		return nil
	}
	k.Precompute()
	return k
}

// public encodes the public key in the applet's format.
func (k *pivKey) public() []byte {
	switch pub := k.cryptoPublic().(type) {
	case *rsa.PublicKey:
		return fields(field{0x81, pub.N.Bytes()}, field{0x82, big.NewInt(int64(pub.E)).Bytes()})
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		if err != nil {
			panic(err) // not reached: this package has generated or checked the key
		}
		return encode(0x86, point)
	case ed25519.PublicKey:
		return encode(0x86, pub)
	case *ecdh.PublicKey:
		return encode(0x86, pub.Bytes())
	}
	return nil
}

func (k *pivKey) cryptoPublic() crypto.PublicKey {
	return k.private.(interface{ Public() crypto.PublicKey }).Public()
}

func (k *pivKey) metadata() []byte {
	origin := byte(1)
	if k.imported {
		origin = 2
	}
	return fields(field{1, []byte{k.alg}}, field{2, []byte{k.pin, k.touch}}, field{3, []byte{origin}}, field{4, k.public()})
}
