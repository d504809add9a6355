package keystore

// backends are the keystores of this system, the ones to be preferred first. keyctl forgets at each
// start of the machine, so it is never taken by itself.
var backends = func(c Config) []backend {
	bus := &sessionBus{config: c} // connects when the first of them needs it
	return []backend{
		{name: secretBackend, open: bus.openSecretService},
		{name: kwalletBackend, open: bus.openKWallet},
		{name: passBackend, open: openPass},
		{name: SealedBackend, open: openSealed},
		{name: fileBackend, open: openFile},
		{name: keyctlBackend, onlyByName: true, open: openKeyctl},
	}
}
