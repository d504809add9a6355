//go:build unix && !linux && !darwin

package keystore

// backends are the keystores of this system, the ones to be preferred first.
var backends = func(Config) []backend {
	return []backend{
		{name: passBackend, open: openPass},
		{name: SealedBackend, open: openSealed},
		{name: fileBackend, open: openFile},
	}
}
