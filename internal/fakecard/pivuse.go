package fakecard

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
)

const tagPeer = 0x85 // the public key of the peer in a key exchange

// parseDynamic returns the fields in the data of a command that uses a key.
func parseDynamic(c command) ([]field, bool) {
	top, ok := decode(c.data)
	if !ok || !has(top, tagDynamic) {
		return nil, false
	}
	return decode(find(top, tagDynamic))
}

// use implements GENERAL AUTHENTICATE: it signs, exchanges keys, or authenticates with the management key.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-73-4.pdf part 2, 3.2.4
func (p *pivApplet) use(c command) ([]byte, status) {
	args, ok := parseDynamic(c)
	if !ok {
		return nil, wrongData
	}
	if c.p2 == slotManagement {
		return p.management.authenticate(c.p1, args)
	}
	k := p.keys[c.p2]
	switch {
	case k == nil || c.p2 == slotAttestation:
		return nil, noReference
	case k.alg != c.p1 || !has(args, tagPeer) && !has(args, tagChallenge):
		return nil, wrongData
	case !p.checkPolicies(c.p2, k):
		return nil, notAllowed
	}
	var out []byte
	if has(args, tagPeer) {
		out = k.exchange(find(args, tagPeer))
		p.card.recorder.update(func(a *Usage) { a.Exchanged++ })
	} else {
		out = k.sign(find(args, tagChallenge))
		p.card.recorder.update(func(a *Usage) { a.Signed++ })
	}
	if out == nil {
		return nil, wrongData
	}
	return encode(tagDynamic, encode(tagResponse, out)), done
}

// checkPolicies reports whether the key's policies allow its use now. It does not distinguish a missing PIN from a
// missed touch, because the card sends the same status for both.
func (p *pivApplet) checkPolicies(slot byte, k *pivKey) bool {
	fresh := p.pinFresh
	p.pinFresh = false
	if k.pin == pinOnce && !p.pinVerified || k.pin == pinAlways && !fresh {
		return false
	}
	now := p.card.now()
	if k.touch == touchNever || k.touch == touchCached && now.Sub(k.touched) < touchLasts {
		return true
	}
	if !p.card.recorder.waitTouch(fmt.Sprintf("%02x", slot)) {
		return false
	}
	k.touched = now
	return true
}

// exchange returns the secret shared with the peer, or nil if the two keys cannot be used together.
func (k *pivKey) exchange(peer []byte) []byte {
	var private *ecdh.PrivateKey
	switch key := k.private.(type) {
	case *ecdsa.PrivateKey:
		private, _ = key.ECDH()
	case *ecdh.PrivateKey:
		private = key
	}
	if private == nil {
		return nil
	}
	public, err := private.Curve().NewPublicKey(peer)
	if err != nil {
		return nil
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return nil
	}
	return shared
}

// sign signs a message that the host has already hashed and padded. It returns nil if the key cannot sign the message.
func (k *pivKey) sign(message []byte) []byte {
	switch key := k.private.(type) {
	case *ecdsa.PrivateKey:
		if size := (key.Params().BitSize + 7) / 8; len(message) > size {
			return nil
		}
		out, err := ecdsa.SignASN1(rand.Reader, key, message)
		if err != nil {
			return nil
		}
		return out
	case ed25519.PrivateKey:
		return ed25519.Sign(key, message)
	case *rsa.PrivateKey: // RSA without padding; signing and decryption are the same operation
		m := new(big.Int).SetBytes(message)
		if len(message) != key.Size() || m.Cmp(key.N) >= 0 {
			return nil
		}
		return new(big.Int).Exp(m, key.D, key.N).FillBytes(make([]byte, key.Size()))
	}
	return nil
}
