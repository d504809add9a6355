package keystore

import "github.com/99designs/keyring"

// maxCredential is the maximum length of a secret in the Windows Credential Manager, in bytes.
// https://learn.microsoft.com/en-us/windows/win32/api/wincred/ns-wincred-credentialw
const maxCredential = 5 * 512

// backends returns the keystores of Windows in order of preference.
var backends = func(Config) []backend {
	return []backend{
		{name: "wincred", open: openLibrary(keyring.WinCredBackend, splitCredentials)},
		{name: SealedBackend, open: openSealed},
		{name: fileBackend, open: openFile},
	}
}

func splitCredentials(r Ring) Ring { return split{ring: r, limit: maxCredential, location: "wincred"} }
