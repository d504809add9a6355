package keystore

// backends returns the keystores of Linux in order of preference. The keyctl keystore loses its items when the
// computer restarts, so it is used only if the user selects it by name.
var backends = func(c Config) []backend {
	bus := &sessionBus{config: c} // the first use connects to the bus
	return []backend{
		{name: secretBackend, open: bus.openSecretService},
		{name: kwalletBackend, open: bus.openKWallet},
		{name: passBackend, open: openPass},
		{name: SealedBackend, open: openSealed},
		{name: fileBackend, open: openFile},
		{name: keyctlBackend, onlyByName: true, open: openKeyctl},
	}
}
