package piv

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// Attestation is a card's proof that a key was generated on the card. It consists of two certificates.
// https://developers.yubico.com/PIV/Introduction/PIV_attestation.html
type Attestation struct {
	Device *x509.Certificate // the card's certificate, signed by the card's manufacturer
	Slot   *x509.Certificate // the key's certificate, signed by the card
}

// AttestedKey is what a verified attestation says about a key.
type AttestedKey struct {
	Location Location
	Version  string // the version of the card's firmware
	PIN      PINPolicy
	Touch    TouchPolicy
}

// Attest returns the card's attestation of a key. It returns an [*EmptySlotError] if the slot has no key, or if the
// key was not generated on the card.
func (c *Cards) Attest(ctx context.Context, at Location) (Attestation, error) {
	return withCard(ctx, c, at.Serial, func(_ context.Context, serial uint32, t openCard) (Attestation, error) {
		device, slot, err := t.attest(at.Slot)
		if err != nil {
			return Attestation{}, withLocation(err, Location{serial, at.Slot})
		}
		var p Attestation
		if p.Device, err = parseCertificate("a request for the security key's certificate", device); err != nil {
			return Attestation{}, err
		}
		p.Slot, err = parseCertificate("a request for a key's certificate", slot)
		return p, err
	})
}

// Verify checks that the attestation's certificates lead to one of the root certificates, and returns what the
// attestation says about the key. If roots is nil, Verify uses Yubico's root certificates.
func (p Attestation) Verify(roots *x509.CertPool) (AttestedKey, error) {
	if p.Device == nil || p.Slot == nil {
		return AttestedKey{}, errors.New("the attestation is incomplete: expected two certificates")
	}
	if err := verifyChain(p, roots); err != nil {
		return AttestedKey{}, err
	}
	return parseAttested(p.Slot)
}

// The extensions of a slot's certificate. Each number is the last part of an identifier: 1.3.6.1.4.1.41482.3.NUMBER.
const (
	extensionVersion = 3
	extensionSerial  = 7
	extensionPolicy  = 8
)

func parseAttested(cert *x509.Certificate) (AttestedKey, error) {
	var a AttestedKey
	var slot byte
	if n, err := fmt.Sscanf(cert.Subject.CommonName, "YubiKey PIV Attestation %02x", &slot); n != 1 || err != nil {
		return a, &AnswerError{"the name of the slot", fmt.Sprintf("%.40q", cert.Subject.CommonName)}
	}
	a.Location.Slot = Slot(slot)
	if v := extension(cert.Extensions, extensionVersion); len(v) == 3 {
		a.Version = fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
	}
	if v := extension(cert.Extensions, extensionSerial); v != nil {
		var n int64
		if rest, err := asn1.Unmarshal(v, &n); err != nil || len(rest) > 0 || n < 0 || n > 1<<32-1 {
			return a, &AnswerError{"the serial number", fmt.Sprintf("%.16x", v)}
		}
		a.Location.Serial = uint32(n)
	}
	v := extension(cert.Extensions, extensionPolicy)
	if len(v) != 2 || v[0] < 1 || v[0] > byte(FingerprintAlways) || v[1] < 1 || v[1] > byte(TouchCached) {
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
