//go:build unix && !linux && !darwin

package keystore

// backends returns the keystores of this system in order of preference.
var backends = func(Config) []backend {
	return []backend{
		{name: passBackend, open: openPass},
		{name: SealedBackend, open: openSealed},
		{name: fileBackend, open: openFile},
	}
}
