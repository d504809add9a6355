package app

import "sync"

// maxRefusedWarnings limits the number of warnings about refused connections, because other users could try to connect
// any number of times.
const maxRefusedWarnings = 3

// warnRefusedPeers returns a function that prints a warning about a refused connection, but only once for each reason.
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
