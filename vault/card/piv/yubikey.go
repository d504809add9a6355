//go:build piv && (cgo || windows || linux)

package piv

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"

	lib "github.com/go-piv/piv-go/v2/piv"
)

// Supported reports whether this build supports security keys.
const Supported = true

// A yubikey is an openCard that uses piv-go. While a yubikey is open, no other program can use the card.
type yubikey struct {
	*lib.YubiKey
	reader string
}

func readers() ([]string, error) {
	names, err := lib.Cards()
	return names, translate("", err)
}

// openReader opens the card in a reader. If the card has no PIV applet, piv-go keeps the reader open until the process
// ends.
func openReader(reader string) (openCard, error) {
	yk, err := lib.Open(reader)
	if err != nil {
		return nil, translate(reader, err)
	}
	return yubikey{yk, reader}, nil
}

func (y yubikey) close() { y.YubiKey.Close() } // an error is ignored: the card has already returned the result

func (y yubikey) version() string {
	v := y.Version()
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

func (y yubikey) serial() (uint32, error) {
	n, err := y.Serial()
	return n, translate(y.reader, err)
}

// verifiedText is the text of the error that piv-go returns if a PIN is already verified. The card then accepts an
// empty PIN.
const verifiedText = "expected error code from empty pin"

func (y yubikey) pinState() (triesLeft int, verified bool) {
	n, err := y.Retries()
	if err != nil {
		return -1, err.Error() == verifiedText
	}
	return n, false
}

func (y yubikey) verify(pin string) error {
	err := y.VerifyPIN(pin)
	var wrong lib.AuthErr
	if errors.As(err, &wrong) {
		serial, _ := y.serial() // an error is ignored: the serial number is only used in the error message
		return &WrongPINError{serial, wrong.Retries}
	}
	return translate(y.reader, err)
}

// slot returns piv-go's value for a slot. It includes the identifier of the slot's certificate.
func slot(s Slot) (lib.Slot, error) {
	for _, known := range []lib.Slot{lib.SlotAuthentication, lib.SlotSignature, lib.SlotKeyManagement, lib.SlotCardAuthentication} {
		if known.Key == uint32(s) {
			return known, nil
		}
	}
	if known, ok := lib.RetiredKeyManagementSlot(uint32(s)); ok {
		return known, nil
	}
	_, err := ParseSlot(s.String())
	return lib.Slot{}, err
}

// keyInfo reads from the card which key a slot has. Firmware before 5.3 does not report an imported key if its
// slot has no certificate. Firmware before 4.3 does not support attestation, so it reports a key only if the slot
// has a certificate.
func (y yubikey) keyInfo(s Slot) (KeyInfo, error) {
	at, err := slot(s)
	if err != nil {
		return KeyInfo{}, err
	}
	if v := y.Version(); v.Major < 5 || v.Major == 5 && v.Minor < 3 {
		return y.oldKeyInfo(s, at)
	}
	info, err := y.KeyInfo(at)
	if err != nil {
		return KeyInfo{}, translate(y.reader, err)
	}
	return KeyInfo{
		Slot: s, Public: info.PublicKey, Algorithm: algorithmOf(info.Algorithm), PIN: PINPolicy(info.PINPolicy), Touch: TouchPolicy(info.TouchPolicy),
		Generated: info.Origin == lib.OriginGenerated,
	}, nil
}

func (y yubikey) oldKeyInfo(s Slot, at lib.Slot) (KeyInfo, error) {
	if cert, err := y.YubiKey.Attest(at); err == nil {
		a, err := parseAttested(cert)
		if err != nil {
			return KeyInfo{}, err
		}
		return KeyInfo{s, cert.PublicKey, algorithmOfPublic(cert.PublicKey), a.PIN, a.Touch, true}, nil
	}
	cert, err := y.Certificate(at)
	if errors.Is(err, lib.ErrNotFound) {
		return KeyInfo{}, errSlotUnknown
	}
	if err != nil {
		return KeyInfo{}, translate(y.reader, err)
	}
	return KeyInfo{Slot: s, Public: cert.PublicKey, Algorithm: algorithmOfPublic(cert.PublicKey)}, nil
}

// private returns piv-go's handle of a private key. If the key requires the PIN, the caller must first verify the
// PIN.
func (y yubikey) private(k KeyInfo) (crypto.PrivateKey, error) {
	at, err := slot(k.Slot)
	if err != nil {
		return nil, err
	}
	auth := lib.KeyAuth{PINPolicy: lib.PINPolicyNever}
	if k.PIN == FingerprintOnce || k.PIN == FingerprintAlways {
		auth.PINPolicy = lib.PINPolicy(k.PIN)
	}
	private, err := y.PrivateKey(at, k.Public, auth)
	return private, translate(y.reader, err)
}

func (y yubikey) sign(k KeyInfo, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	private, err := y.private(k)
	if err != nil {
		return nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %s key cannot sign", k.Algorithm)
	}
	out, err := signer.Sign(rand.Reader, digest, opts)
	return out, translate(y.reader, err)
}

func (y yubikey) exchange(k KeyInfo, peer []byte) ([]byte, error) {
	private, err := y.private(k)
	if err != nil {
		return nil, err
	}
	exchanger, ok := private.(interface {
		ECDH(*ecdh.PublicKey) ([]byte, error)
	})
	if !ok {
		return nil, fmt.Errorf("a %s key cannot exchange keys", k.Algorithm)
	}
	public, err := curveOf(k.Algorithm).NewPublicKey(peer)
	if err != nil {
		return nil, err
	}
	out, err := exchanger.ECDH(public)
	return out, translate(y.reader, err)
}

func curveOf(a Algorithm) ecdh.Curve {
	switch a {
	case P384:
		return ecdh.P384()
	case X25519:
		return ecdh.X25519()
	}
	return ecdh.P256()
}

// defaultManagementKey reports whether the card has the factory management key, without changing the card. It
// calls GenerateKey without an algorithm. GenerateKey first authenticates with the factory key. If that succeeds,
// GenerateKey fails because of the missing algorithm, so it does not change the card.
func (y yubikey) defaultManagementKey() (bool, error) {
	_, err := y.GenerateKey(factoryManagementKey(), lib.SlotAuthentication, lib.Key{})
	var s statusError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &s):
		return false, nil
	}
	switch why := rootCause(err); {
	case why == "unsupported algorithm":
		return true, nil
	case translate(y.reader, err) != err: //nolint:errorlint // translated errors mean that the card is gone
		return false, translate(y.reader, err)
	}
	return false, nil // piv-go refuses the factory key because the card's management key has another length
}

func (y yubikey) protectedManagementKey(pin string) ([]byte, error) {
	m, err := y.Metadata(pin)
	if err != nil || m.ManagementKey == nil {
		return nil, translate(y.reader, err)
	}
	return *m.ManagementKey, nil
}

func (y yubikey) generate(managementKey []byte, s Slot, r KeyRequest) (crypto.PublicKey, error) {
	at, err := slot(s)
	if err != nil {
		return nil, err
	}
	public, err := y.GenerateKey(managementKey, at, lib.Key{
		Algorithm: algorithmFor(r.Algorithm), PINPolicy: lib.PINPolicy(r.PIN), TouchPolicy: lib.TouchPolicy(r.Touch),
	})
	return public, translate(y.reader, err)
}

func (y yubikey) certificate(s Slot) ([]byte, error) {
	at, err := slot(s)
	if err != nil {
		return nil, err
	}
	cert, err := y.Certificate(at)
	if err != nil {
		return nil, translate(y.reader, err)
	}
	return cert.Raw, nil
}

func (y yubikey) setCertificate(managementKey []byte, s Slot, der []byte) error {
	at, err := slot(s)
	if err != nil {
		return err
	}
	return translate(y.reader, y.SetCertificate(managementKey, at, &x509.Certificate{Raw: der}))
}

func (y yubikey) attest(s Slot) (device, key []byte, err error) {
	at, err := slot(s)
	if err != nil {
		return nil, nil, err
	}
	k, err := y.YubiKey.Attest(at)
	if err != nil {
		return nil, nil, translate(y.reader, err)
	}
	d, err := y.AttestationCertificate()
	if err != nil {
		return nil, nil, translate(y.reader, err)
	}
	return d.Raw, k.Raw, nil
}

// verifyChain verifies copies of the certificates, because piv-go modifies the certificates of some old cards.
func verifyChain(p Attestation, roots *x509.CertPool) error {
	device, key := *p.Device, *p.Slot
	if _, err := (&lib.Verifier{Roots: roots}).Verify(&device, &key); err != nil {
		return fmt.Errorf("verify the attestation: %w", err)
	}
	return nil
}
