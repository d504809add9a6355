package app

import "sync"

// maxRefusedWarnings limits the warnings about refused connections, because other users could cause any number.
const maxRefusedWarnings = 3

// warnRefusedPeers returns a function that warns of a refused connection, once for each different reason.
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
