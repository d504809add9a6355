package app

import "sync"

// maxRefusedWarnings bounds the warnings about other users' connections: they could send any number.
const maxRefusedWarnings = 3

// warnRefusedPeers warns of connections that were refused, once for each different reason.
func warnRefusedPeers(a *App) func(error) {
	var mu sync.Mutex
	warned := map[string]bool{}
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if text := err.Error(); !warned[text] && len(warned) < maxRefusedWarnings {
			warned[text] = true
			a.Warn(err)
		}
	}
}
