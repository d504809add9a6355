//go:build piv && (cgo || windows || linux)

package piv

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"

	lib "github.com/go-piv/piv-go/v2/piv"
)

// A statusError is piv-go's error for a status word of a card. piv-go does not export the type of this error.
type statusError interface {
	error
	Status() uint16
}

// translate converts piv-go's errors into the errors of this package. It recognises errors of the PC/SC service by
// their texts, because piv-go exports no types for them. Tests check some of these texts.
func translate(reader string, err error) error {
	var s statusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &s) && s.Status() == 0x6982:
		return errRefused
	case errors.Is(err, lib.ErrNotFound):
		return &EmptySlotError{}
	}
	switch rootCause(err) {
	case "the Smart card resource manager is not running", "the Smart card resource manager has shut down":
		return ErrNoService
	case "the smart card cannot be accessed because of other connections outstanding":
		return &InUseError{Reader: reader}
	case "the operation requires a Smart Card, but no Smart Card is currently in the device", "the specified reader name is not recognized",
		"the specified reader is not currently available for use", "cannot find a smart card reader":
		return ErrNoCard
	case "the smart card has been removed, so further communication is not possible",
		"the smart card has been reset, so any shared state information is invalid",
		"power has been removed from the smart card, so that further communication is not possible":
		return &RemovedError{reader}
	}
	return err
}

// rootCause returns the text of the innermost wrapped error.
func rootCause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// algorithms maps each of our algorithms to piv-go's constant.
var algorithms = [...]lib.Algorithm{
	P256: lib.AlgorithmEC256, P384: lib.AlgorithmEC384, Ed25519: lib.AlgorithmEd25519, X25519: lib.AlgorithmX25519,
	RSA1024: lib.AlgorithmRSA1024, RSA2048: lib.AlgorithmRSA2048, RSA3072: lib.AlgorithmRSA3072, RSA4096: lib.AlgorithmRSA4096,
}

// algorithmFor returns piv-go's number of an algorithm. It returns 0, which piv-go refuses, if piv-go does not support
// the algorithm.
func algorithmFor(a Algorithm) lib.Algorithm {
	if a < 0 || int(a) >= len(algorithms) {
		return 0
	}
	return algorithms[a]
}

func algorithmOf(theirs lib.Algorithm) Algorithm {
	for ours, a := range algorithms {
		if a == theirs {
			return Algorithm(ours)
		}
	}
	return 0
}

func algorithmOfPublic(public crypto.PublicKey) Algorithm {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p.Params().BitSize == 384 {
			return P384
		}
		return P256
	case ed25519.PublicKey:
		return Ed25519
	case *ecdh.PublicKey:
		return X25519
	case *rsa.PublicKey:
		switch p.N.BitLen() {
		case 1024:
			return RSA1024
		case 2048:
			return RSA2048
		case 3072:
			return RSA3072
		case 4096:
			return RSA4096
		}
	}
	return 0
}
