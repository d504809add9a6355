package fakecard

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"testing"
)

func useCommand(tag int, value []byte) []byte {
	return encode(tagDynamic, fields(field{tagResponse, nil}, field{tag, value}))
}

// answerOf returns the data in the response to a command that uses a key.
func answerOf(out []byte) []byte {
	top, _ := decode(out)
	in, _ := decode(find(top, tagDynamic))
	return find(in, tagResponse)
}

func TestImported(t *testing.T) {
	p256 := generatePrivate(algP256).(*ecdsa.PrivateKey)
	p384 := generatePrivate(algP384).(*ecdsa.PrivateKey)
	ed := generatePrivate(algEd25519).(ed25519.PrivateKey)
	x := generatePrivate(algX25519).(*ecdh.PrivateKey)
	r := generatePrivate(algRSA2048).(*rsa.PrivateKey)
	scalar := func(k *ecdsa.PrivateKey) []byte {
		b, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, k := range []struct {
		alg    byte
		parts  []byte
		public crypto.PublicKey
	}{
		{algP256, encode(6, scalar(p256)), p256.Public()},
		{algP384, encode(6, scalar(p384)), p384.Public()},
		{algEd25519, encode(7, ed.Seed()), ed.Public()},
		{algX25519, encode(8, x.Bytes()), x.Public()},
		{algRSA2048, fields(field{1, r.Primes[0].Bytes()}, field{2, r.Primes[1].Bytes()}), r.Public()},
	} {
		d := newTestCard(t, Options{})
		parts := append(k.parts, fields(field{0xaa, []byte{pinNever}}, field{0xab, []byte{touchNever}})...)
		d.want(notAllowed, insImport, k.alg, 0x9d, parts)
		d.admin()
		d.want(wrongParameters, insImport, k.alg, 0x9b, parts)
		d.want(wrongData, insImport, k.alg, 0x9d, nil)
		d.want(done, insImport, k.alg, 0x9d, parts)
		if !k.public.(interface{ Equal(crypto.PublicKey) bool }).Equal(d.piv.keys[0x9d].cryptoPublic()) {
			t.Errorf("algorithm %#x: the card has a different key than the imported one", k.alg)
		}
		m, _ := decode(d.want(done, insMetadata, 0, 0x9d, nil))
		if !bytes.Equal(find(m, 3), []byte{2}) {
			t.Errorf("algorithm %#x: the card reports an imported key as generated", k.alg)
		}
		d.want(noReference, insAttest, 0x9d, 0, nil)
	}
}

func TestUse(t *testing.T) {
	d := newTestCard(t, Options{})
	d.admin()
	for slot, alg := range map[byte]byte{0x82: algP256, 0x83: algP384, 0x84: algX25519, 0x85: algEd25519, 0x86: algRSA2048} {
		d.want(done, insGenerate, 0, slot, generateCommand(alg, pinNever, touchNever))
	}
	for slot, curve := range map[byte]ecdh.Curve{0x82: ecdh.P256(), 0x83: ecdh.P384(), 0x84: ecdh.X25519()} {
		k := d.piv.keys[slot]
		peer, err := curve.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		out := d.want(done, insUse, k.alg, slot, useCommand(tagPeer, peer.PublicKey().Bytes()))
		if want := k.exchange(peer.PublicKey().Bytes()); !bytes.Equal(answerOf(out), want) || len(want) == 0 {
			t.Errorf("slot %02x: exchanged %x, want %x", slot, answerOf(out), want)
		}
		d.want(wrongData, insUse, k.alg, slot, useCommand(tagPeer, []byte{4, 1}))
	}
	message := []byte("message")
	out := d.want(done, insUse, algEd25519, 0x85, useCommand(tagChallenge, message))
	if !ed25519.Verify(d.piv.keys[0x85].cryptoPublic().(ed25519.PublicKey), message, answerOf(out)) {
		t.Error("Ed25519: the signature does not verify")
	}
	public := d.piv.keys[0x86].cryptoPublic().(*rsa.PublicKey)
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, message, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out = answerOf(d.want(done, insUse, algRSA2048, 0x86, useCommand(tagChallenge, sealed))); len(out) != public.Size() || out[0] != 0 {
		t.Errorf("RSA: the decrypted message has %d bytes", len(out))
	}
	d.want(wrongData, insUse, algRSA2048, 0x86, useCommand(tagChallenge, message))
	d.want(wrongData, insUse, algP256, 0x82, useCommand(tagChallenge, make([]byte, 33)))
	d.want(wrongData, insUse, algRSA2048, 0x82, useCommand(tagChallenge, message))
	d.want(noReference, insUse, algP256, 0x9a, useCommand(tagChallenge, message))
	d.want(wrongData, insUse, algP256, 0x82, []byte{1, 2, 3})
	if a := d.Usage(); a.Exchanged != 6 || a.Count("exchange 82") != 2 {
		t.Errorf("usage: %+v", a)
	}
}

func TestAttestation(t *testing.T) {
	d := newTestCard(t, Options{Serial: 4711})
	d.admin()
	d.want(done, insGenerate, 0, 0x9a, generateCommand(algP256, pinOnce, touchAlways))
	cert, err := x509.ParseCertificate(d.want(done, insAttest, 0x9a, 0, nil))
	if err != nil {
		t.Fatal(err)
	}
	roots, middle := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(d.Root())
	object, _ := decode(d.want(done, insGetData, 0x3f, 0xff, encode(0x5c, []byte{0x5f, 0xff, 0x01})))
	inner, _ := decode(find(object, 0x53))
	device, err := x509.ParseCertificate(find(inner, 0x70))
	if err != nil {
		t.Fatal(err)
	}
	middle.AddCert(device)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle}); err != nil {
		t.Error(err)
	}
	if !cert.PublicKey.(*ecdsa.PublicKey).Equal(d.piv.keys[0x9a].cryptoPublic()) {
		t.Error("the card attests a different key")
	}
	d.want(noReference, insAttest, 0x9c, 0, nil)
	d.want(noReference, insAttest, slotAttestation, 0, nil)
}

func TestChangePIN(t *testing.T) {
	d := newTestCard(t, Options{})
	pin, puk, other := newSecret(factoryPIN, 3).value, newSecret(factoryPUK, 3).value, newSecret("654321", 3).value
	if m := d.want(done, insMetadata, 0, refPIN, nil); !bytes.HasSuffix(m, []byte{5, 1, 1, 6, 2, 3, 3}) {
		t.Errorf("metadata of the factory PIN: %x", m)
	}
	d.want(wrongTries|2, insChange, 0, refPIN, append(bytes.Clone(other), other...))
	d.want(done, insChange, 0, refPIN, append(bytes.Clone(pin), other...))
	d.want(done, insVerify, 0, refPIN, other)
	d.want(done, insVerify, 0, refPIN, nil)
	d.want(done, insVerify, 0xff, refPIN, nil)
	d.want(wrongTries|3, insVerify, 0, refPIN, nil)
	d.want(done, insChange, 0, refPUK, append(bytes.Clone(puk), puk...))
	d.want(done, insUnblock, 0, refPIN, append(bytes.Clone(puk), pin...))
	d.want(noReference, insChange, 0, 0x96, append(bytes.Clone(puk), puk...))
	d.want(notAllowed, insSetTries, 5, 4, nil)
	d.admin()
	d.want(done, insVerify, 0, refPIN, pin)
	d.want(done, insSetTries, 5, 4, nil)
	if m := d.want(done, insMetadata, 0, refPUK, nil); !bytes.HasSuffix(m, []byte{6, 2, 4, 4}) {
		t.Errorf("metadata of the PUK: %x", m)
	}
}
