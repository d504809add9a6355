//go:build !piv || (!cgo && !windows && !linux)

package piv

import (
	"crypto/x509"
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	var c Cards
	_, list := c.List(t.Context())
	_, _, key := c.Key(t.Context(), Location{0, Signature})
	_, verify := Attestation{Device: new(x509.Certificate), Slot: new(x509.Certificate)}.Verify(nil)
	for _, err := range []error{list, key, verify} {
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("without the tag piv: %v", err)
		}
	}
}
