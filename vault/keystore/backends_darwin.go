package keystore

import "github.com/99designs/keyring"

// backends are the keystores of this system, the ones to be preferred first. The keychain is there
// in builds with cgo only.
var backends = func(Config) []backend {
	return []backend{
		{name: "keychain", open: openLibrary(keyring.KeychainBackend, nil)},
		{name: passBackend, open: openPass},
		{name: SealedBackend, open: openSealed},
		{name: fileBackend, open: openFile},
	}
}
