//go:build !piv || (!cgo && !windows && !linux)

package piv

import "crypto/x509"

// Supported reports whether this build supports security keys.
const Supported = false

func readers() ([]string, error) { return nil, ErrUnsupported }

func openReader(string) (openCard, error) { return nil, ErrUnsupported }

func verifyChain(Attestation, *x509.CertPool) error { return ErrUnsupported }
