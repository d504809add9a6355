package piv

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// Proof is what a card says of a key that was made on it: two certificates, of which the maker of the card signed the first.
// https://developers.yubico.com/PIV/Introduction/PIV_attestation.html
type Proof struct {
	Device *x509.Certificate // of the card, signed by its maker
	Slot   *x509.Certificate // of the key, signed by the card
}

// Attested is what a proof proves.
type Attested struct {
	Place   Place
	Version string // of the firmware
	PIN     PINPolicy
	Touch   TouchPolicy
}

// Attest has the card vouch for a key. It returns an [*EmptyError] if the slot has none, or one that was made elsewhere.
func (c *Cards) Attest(ctx context.Context, at Place) (Proof, error) {
	return with(ctx, c, at.Serial, func(_ context.Context, serial uint32, t token) (Proof, error) {
		device, slot, err := t.attest(at.Slot)
		if err != nil {
			return Proof{}, placed(err, Place{serial, at.Slot})
		}
		var p Proof
		if p.Device, err = parseCertificate("the certificate of the card", device); err != nil {
			return Proof{}, err
		}
		p.Slot, err = parseCertificate("the certificate of a key", slot)
		return p, err
	})
}

// Verify returns what the proof proves if it leads to one of the roots; nil stands for those of Yubico.
func (p Proof) Verify(roots *x509.CertPool) (Attested, error) {
	if p.Device == nil || p.Slot == nil {
		return Attested{}, errors.New("the proof lacks a certificate")
	}
	if err := verifyChain(p, roots); err != nil {
		return Attested{}, err
	}
	return readAttested(p.Slot)
}

// What the extensions of a slot's certificate say; the numbers are below 1.3.6.1.4.1.41482.3.
const (
	extensionVersion = 3
	extensionSerial  = 7
	extensionPolicy  = 8
)

func readAttested(cert *x509.Certificate) (Attested, error) {
	var a Attested
	var slot byte
	if n, err := fmt.Sscanf(cert.Subject.CommonName, "YubiKey PIV Attestation %02x", &slot); n != 1 || err != nil {
		return a, &AnswerError{"the name of the slot", fmt.Sprintf("%.40q", cert.Subject.CommonName)}
	}
	a.Place.Slot = Slot(slot)
	if v := extension(cert.Extensions, extensionVersion); len(v) == 3 {
		a.Version = fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
	}
	if v := extension(cert.Extensions, extensionSerial); v != nil {
		var n int64
		if rest, err := asn1.Unmarshal(v, &n); err != nil || len(rest) > 0 || n < 0 || n > 1<<32-1 {
			return a, &AnswerError{"the serial number", fmt.Sprintf("%.16x", v)}
		}
		a.Place.Serial = uint32(n)
	}
	v := extension(cert.Extensions, extensionPolicy)
	if len(v) != 2 || v[0] < 1 || v[0] > byte(FingerAlways) || v[1] < 1 || v[1] > byte(TouchCached) {
		return a, &AnswerError{"the policies of the key", fmt.Sprintf("%.16x", v)}
	}
	a.PIN, a.Touch = PINPolicy(v[0]), TouchPolicy(v[1])
	return a, nil
}

func extension(all []pkix.Extension, n int) []byte {
	id := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, n}
	for _, e := range all {
		if e.Id.Equal(id) {
			return e.Value
		}
	}
	return nil
}
