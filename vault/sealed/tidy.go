package sealed

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/disk"
)

// tidy removes what an interrupted renewal has left, which the header does not name, and makes
// the header's copy what it should be. What cannot be done now is done next time.
func (s *Store) tidy(h *Header) {
	entries, err := os.ReadDir(s.dir)
	if err != nil || h.second {
		return
	}
	if s.now != nil {
		disk.Sweep(s.dir, entries, s.now().Add(-time.Hour))
	}
	identities := map[string]bool{}
	for _, o := range h.Openers {
		identities[identityFile(s.dir, o.Recipient)] = true
	}
	for _, e := range entries {
		path := filepath.Join(s.dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), itemsDir) && path != s.itemsDir(h):
			s.removeItems(path)
		case strings.HasPrefix(e.Name(), "identity-") && !identities[path]:
			s.disk.remove(path)
		}
	}
	first, err := disk.ReadBounded(filepath.Join(s.dir, headerFile), maxHeader)
	second, copyErr := disk.ReadBounded(filepath.Join(s.dir, copyFile), maxHeader)
	if err == nil && (copyErr != nil || !slices.Equal(first, second)) {
		s.disk.replace(filepath.Join(s.dir, copyFile), first)
	}
}

// removeItems removes a directory of items that nobody opens any more.
func (s *Store) removeItems(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		s.disk.remove(filepath.Join(dir, e.Name()))
	}
	s.disk.removeDir(dir)
}
