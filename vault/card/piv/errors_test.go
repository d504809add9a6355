package piv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
)

func TestErrors(t *testing.T) {
	at := Location{7, Signature}
	for want, err := range map[string]error{
		"YubiKey 7 not found: no YubiKey is plugged in":                                       &NoCardError{Serial: 7},
		"YubiKey 7 not found; connected: 8, one in use by another program":                    &NoCardError{7, []uint32{8, 0}},
		"2 security keys are connected (8, 9): choose one by its serial number":               &SeveralCardsError{[]uint32{8, 9}},
		"R is in use by another program":                                                      &InUseError{Reader: "R"},
		"R is in use by another program, probably scdaemon":                                   &InUseError{"R", "scdaemon"},
		"wrong PIN for YubiKey 7, 1 try left":                                                 &WrongPINError{7, 1},
		"wrong PIN for YubiKey 7, 2 tries left":                                               &WrongPINError{7, 2},
		"the PIN is 9 bytes long, expected 1 to 8":                                            &PINFormatError{9},
		"the PIN of YubiKey 7 is blocked":                                                     &BlockedError{7},
		"slot 9c of YubiKey 7 was not touched in time":                                        &NotTouchedError{at},
		"the security key was removed from R":                                                 &RemovedError{"R"},
		"slot 9c of YubiKey 7 has no key":                                                     withLocation(&EmptySlotError{}, at),
		"slot 9c of YubiKey 7 may have a key: this firmware cannot report whether it has one": &OccupiedError{Location: at},
		"slot 9c of YubiKey 7 already has a key (P-256)":                                      &OccupiedError{at, KeyInfo{Public: &ecdsa.PublicKey{}, Algorithm: P256}},
		"slot 9c of YubiKey 7 has a different key than expected":                              &WrongKeyError{at},
		"a P-256 key cannot sign 64 bytes, expected a digest of 32 bytes":                     &DigestError{P256, 64, 32},
		"the management key of YubiKey 7 is unknown: it is not the factory key, and the YubiKey has no PIN-protected copy of it": &ManagementKeyError{7},
		"the security key sent an invalid response to a command: x":                                                              &AnswerError{"a command", "x"},
		"slot 9c of YubiKey 7: this firmware does not report whether the slot has a key":                                         withLocation(errSlotUnknown, at),
		"no security key found: the card in R could not be read: x":                                                              &UnreadableError{"R", errors.New("x")},
		"this build does not support security keys":                                                                              ErrUnsupported,
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func certificateWith(t testing.TB, name string, extensions ...pkix.Extension) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, ExtraExtensions: extensions}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func extensionOf(n int, value ...byte) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, n}, Value: value}
}

func TestReadAttested(t *testing.T) {
	const name = "YubiKey PIV Attestation 9a"
	good := certificateWith(t, name, extensionOf(extensionVersion, 5, 4, 3), extensionOf(extensionSerial, 2, 2, 1, 0), extensionOf(extensionPolicy, 3, 2))
	if a, err := parseAttested(good); err != nil || a != (AttestedKey{Location{256, Authentication}, "5.4.3", PINAlways, TouchAlways}) {
		t.Errorf("%+v, %v", a, err)
	}
	for _, bad := range []*x509.Certificate{
		certificateWith(t, "alice", extensionOf(extensionPolicy, 1, 1)),
		certificateWith(t, name),
		certificateWith(t, name, extensionOf(extensionPolicy, 1)),
		certificateWith(t, name, extensionOf(extensionPolicy, 0, 1)),
		certificateWith(t, name, extensionOf(extensionPolicy, 1, 9)),
		certificateWith(t, name, extensionOf(extensionPolicy, 1, 1), extensionOf(extensionSerial, 2, 1, 0xff)),
		certificateWith(t, name, extensionOf(extensionPolicy, 1, 1), extensionOf(extensionSerial, 4, 1, 1)),
	} {
		if a, err := parseAttested(bad); err == nil {
			t.Errorf("an invalid certificate was parsed: %+v", a)
		}
	}
}

// FuzzReadAttested checks that parsing an attested certificate never panics, and never returns invalid policies.
func FuzzReadAttested(f *testing.F) {
	f.Add(certificateWith(f, "YubiKey PIV Attestation 9a", extensionOf(extensionSerial, 2, 2, 1, 0), extensionOf(extensionPolicy, 3, 2)).Raw)
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		if a, err := parseAttested(cert); err == nil && (a.PIN.String() == "unknown" || a.Touch.String() == "unknown") {
			t.Errorf("%+v", a)
		}
	})
}
