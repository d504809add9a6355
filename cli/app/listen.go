package app

import "sync"

// maxStrangers bounds the warnings about other users' connections: they could send any number.
const maxStrangers = 3

// warnStrangers warns of connections that were refused, once for each different reason.
func warnStrangers(a *App) func(error) {
	var mu sync.Mutex
	told := map[string]bool{}
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if text := err.Error(); !told[text] && len(told) < maxStrangers {
			told[text] = true
			a.Warn(err)
		}
	}
}
