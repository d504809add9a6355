package piv

import (
	"context"
	"crypto/x509"
	"errors"
)

// A KeyRequest describes a key to generate.
type KeyRequest struct {
	Algorithm Algorithm
	PIN       PINPolicy
	Touch     TouchPolicy
	// Replace allows Generate to overwrite the key in the slot. Its value must be the slot's name, such as "9c".
	// If Replace is empty, Generate refuses a slot that has a key or may have a key.
	Replace string
}

// GeneratedKey is the result of Generate.
type GeneratedKey struct {
	Key  *Key
	Info KeyInfo // what the card reports about the new key, including its policies
	// DefaultManagementKey is true if the card still has the factory management key.
	DefaultManagementKey bool
}

// Generate generates a key in a slot. It returns an [*OccupiedError] if it would overwrite a key.
func (c *Cards) Generate(ctx context.Context, at Location, r KeyRequest) (GeneratedKey, error) {
	return withCard(ctx, c, at.Serial, func(ctx context.Context, serial uint32, t openCard) (GeneratedKey, error) {
		at := Location{serial, at.Slot}
		if err := checkSlotFree(t, at, r.Replace); err != nil {
			return GeneratedKey{}, err
		}
		key, isDefault, err := c.managementKey(ctx, serial, t)
		if err != nil {
			return GeneratedKey{}, err
		}
		public, err := t.generate(key, at.Slot, r)
		if err != nil {
			return GeneratedKey{}, err
		}
		info, err := t.keyInfo(at.Slot)
		if err != nil {
			return GeneratedKey{}, err
		}
		if !samePublicKey(public, info.Public) {
			return GeneratedKey{}, &WrongKeyError{at}
		}
		return GeneratedKey{c.KnownKey(ctx, at, public), info, isDefault}, nil
	})
}

// checkSlotFree returns nil if the slot has no key, or if the argument replace is the slot's name. Otherwise, it
// returns an [*OccupiedError] if the slot has a key or the firmware does not report whether it has one.
func checkSlotFree(t openCard, at Location, replace string) error {
	info, err := t.keyInfo(at.Slot)
	switch {
	case replace == at.Slot.String():
		return nil
	case err == nil:
		return &OccupiedError{at, info}
	case errors.Is(err, errSlotUnknown):
		return &OccupiedError{Location: at}
	case isEmpty(err):
		return nil
	}
	return err
}

// FreeSlot returns the first of the slots 82 to 95 that has no key. If each of these slots has a key or may have a key,
// FreeSlot returns the [*OccupiedError] for slot 95.
func (c *Cards) FreeSlot(ctx context.Context, serial uint32) (Location, error) {
	return withCard(ctx, c, serial, func(_ context.Context, serial uint32, t openCard) (Location, error) {
		var err error
		for s := FirstRetired; s <= LastRetired; s++ {
			at := Location{serial, s}
			var occupied *OccupiedError
			if err = checkSlotFree(t, at, ""); !errors.As(err, &occupied) {
				return at, err
			}
		}
		return Location{}, err
	})
}

// managementKey returns the card's management key. The result isDefault is true if the key is the factory key.
func (c *Cards) managementKey(ctx context.Context, serial uint32, t openCard) (key []byte, isDefault bool, err error) {
	if isDefault, err = t.defaultManagementKey(); isDefault || err != nil {
		return factoryManagementKey(), isDefault, err
	}
	if c.PIN != nil {
		pin, err := c.pin(ctx, serial, t)
		if err != nil {
			return nil, false, err
		}
		if key, err = t.protectedManagementKey(pin); key != nil || err != nil {
			return key, false, err
		}
	}
	if c.ManagementKey == nil {
		return nil, false, &ManagementKeyError{serial}
	}
	key, err = c.ManagementKey(ctx, serial)
	return key, false, err
}

// factoryManagementKey returns the management key with which all YubiKeys are shipped.
// https://docs.yubico.com/yesdk/users-manual/application-piv/pin-puk-mgmt-key.html
func factoryManagementKey() []byte {
	const half = "\x01\x02\x03\x04\x05\x06\x07\x08"
	return []byte(half + half + half)
}

// Certificate returns the certificate stored in the key's slot. The card does not check that the certificate is for
// the key. Certificate returns an [*EmptySlotError] if the slot has no certificate.
func (c *Cards) Certificate(ctx context.Context, at Location) (*x509.Certificate, error) {
	return withCard(ctx, c, at.Serial, func(_ context.Context, serial uint32, t openCard) (*x509.Certificate, error) {
		der, err := t.certificate(at.Slot)
		if err != nil {
			return nil, withLocation(err, Location{serial, at.Slot})
		}
		return parseCertificate("a request for the certificate", der)
	})
}

// SetCertificate stores a certificate in the key's slot, and overwrites a certificate that the slot already has. The
// certificate must be for that key.
func (c *Cards) SetCertificate(ctx context.Context, at Location, cert *x509.Certificate) error {
	_, err := withCard(ctx, c, at.Serial, func(ctx context.Context, serial uint32, t openCard) (struct{}, error) {
		at := Location{serial, at.Slot}
		info, err := t.keyInfo(at.Slot)
		if err != nil {
			return struct{}{}, withLocation(err, at)
		}
		if !samePublicKey(info.Public, cert.PublicKey) {
			return struct{}{}, &WrongKeyError{at}
		}
		key, _, err := c.managementKey(ctx, serial, t)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, t.setCertificate(key, at.Slot, cert.Raw)
	})
	return err
}

func parseCertificate(what string, der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &AnswerError{what, err.Error()}
	}
	return cert, nil
}
