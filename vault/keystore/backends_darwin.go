package keystore

import "github.com/99designs/keyring"

// backends returns the keystores of macOS in order of preference. The keychain needs a build with cgo.
var backends = func(Config) []backend {
	return []backend{
		{name: "keychain", open: openLibrary(keyring.KeychainBackend, nil)},
		{name: passBackend, open: openPass},
		{name: SealedBackend, open: openSealed},
		{name: fileBackend, open: openFile},
	}
}
