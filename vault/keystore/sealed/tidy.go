package sealed

import (
	"slices"
	"strings"
	"time"

	"aws-vault/vault/disk"
)

// tidy removes what an interrupted renewal has left, which the header does not name, and makes
// the header's copy what it should be. What cannot be done now is done next time.
func (s *Store) tidy(h *Header) {
	entries, err := s.dir.Entries()
	if err != nil || h.second {
		return
	}
	if s.now != nil {
		s.dir.Sweep(entries, s.now().Add(-time.Hour))
	}
	identities := map[string]bool{}
	for _, o := range h.Openers {
		identities[identityFile(o.Recipient)] = true
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, itemsDir) && name != itemsDir+h.Key:
			s.removeItems(s.dir.Folder(name))
		case strings.HasPrefix(name, identityPrefix) && !identities[name]:
			s.disk.remove(s.dir, name)
		}
	}
	first, err := s.dir.Read(headerFile, maxHeader)
	second, copyErr := s.dir.Read(copyFile, maxHeader)
	if err == nil && (copyErr != nil || !slices.Equal(first, second)) {
		s.disk.write(s.dir, copyFile, first)
	}
}

// removeItems removes a directory of items that nobody opens any more.
func (s *Store) removeItems(dir *disk.Folder) {
	entries, _ := dir.Entries()
	for _, e := range entries {
		s.disk.remove(dir, e.Name())
	}
	s.disk.removeFolder(dir)
}
