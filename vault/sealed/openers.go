package sealed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"aws-vault/vault/disk"
)

// A NewOpener is an opener that a store is to get.
type NewOpener struct {
	Opener
	Passphrase string // of one of that kind, whose Recipient is made here
}

// Create makes a store with its first openers. It returns [ErrExists] if there is one in the
// directory, damaged or not.
func Create(ctx context.Context, c Config, ui *plugin.ClientUI, openers ...NewOpener) (*Store, error) {
	s := newStore(c)
	for _, dir := range []string{s.dir, filepath.Dir(s.lock)} {
		if err := s.disk.mkdir(dir); err != nil {
			return nil, err
		}
	}
	l, err := disk.Lock(ctx, s.lock)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if _, err := readHeader(s.dir); !errors.Is(err, ErrNoStore) {
		return nil, fmt.Errorf("%s: %w", s.dir, ErrExists)
	}
	h := &Header{Format: headerFormat, Store: randomHex(16), Generation: 1}
	for _, o := range openers {
		if err := s.include(h, o); err != nil {
			return nil, err
		}
	}
	return s, s.seal(h, newMasterKey(), nil, ui)
}

// include puts an opener on the list, and its identity into a file.
func (s *Store) include(h *Header, o NewOpener) error {
	opener, file, err := o.settle()
	if err != nil {
		return err
	}
	for _, other := range h.Openers {
		if other.Name == opener.Name || other.Recipient == opener.Recipient {
			return &OpenerError{opener.Name, fmt.Errorf("opener %q has that name or that key already", other.Name)}
		}
	}
	if err := opener.valid(); err != nil {
		return err
	}
	if file != nil {
		if err := s.disk.replace(identityFile(s.dir, opener.Recipient), file); err != nil {
			return err
		}
	}
	h.Openers = append(h.Openers, opener)
	return nil
}

// settle makes the identity of an opener that has a passphrase.
func (o NewOpener) settle() (Opener, []byte, error) {
	if o.Kind != Passphrase {
		return o.Opener, nil, nil
	}
	if o.Passphrase == "" {
		return Opener{}, nil, &OpenerError{o.Name, errors.New("its passphrase is empty")}
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return Opener{}, nil, err
	}
	file, err := sealIdentity(id, o.Passphrase)
	o.Recipient, o.Digest = id.Recipient().String(), digest(file)
	return o.Opener, file, err
}

// seal wraps the keys to the openers of h, and makes h the store's header. With no second key,
// one is made if an opener could touch it.
func (s *Store) seal(h *Header, k MasterKey, touch *MasterKey, ui *plugin.ClientUI) error {
	h.Key = k.id(h.Store)
	var err error
	if h.Envelope, err = wrap(k, h.Openers, ui); err != nil {
		return err
	}
	if h.Touch = nil; len(hardware(h.Openers)) > 0 {
		if touch == nil {
			made := newMasterKey()
			touch = &made
		}
		if h.Touch, err = wrap(*touch, hardware(h.Openers), ui); err != nil {
			return err
		}
	}
	written, err := s.writeHeader(h, k)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header, s.key, s.touchKey = written, &k, touch
	return nil
}

// Add gives the store another opener. The list that it joins was checked with the store's key, so
// that nothing is wrapped to an opener that someone else put there. A second hardware opener
// takes the touch of one that is there.
func (s *Store) Add(ctx context.Context, o NewOpener, ui *plugin.ClientUI) error {
	if o.Kind != Passphrase {
		if err := o.valid(); err != nil { // before anyone is asked
			return err
		}
	}
	h, _, err := s.keys(ctx)
	if err != nil {
		return err
	}
	if o.Hardware() && len(h.Touch) > 0 {
		if _, err := s.touched(ctx, h); err != nil {
			return err
		}
	}
	return s.writing(ctx, func(h *Header, k MasterKey) error {
		if err := s.primary(h); err != nil {
			return err
		}
		next := h.clone()
		if err := s.include(&next, o); err != nil {
			return err
		}
		if !o.Hardware() { // the envelope of the second key stays as it is
			return s.sealFor(&next, k, ui)
		}
		s.mu.Lock()
		touch := s.touchKey
		s.mu.Unlock()
		if touch == nil && len(h.Touch) > 0 {
			return fmt.Errorf("%s: the openers were changed meanwhile", s.dir)
		}
		return s.seal(&next, k, touch, ui)
	})
}

// sealFor is seal for openers that do not open the second key.
func (s *Store) sealFor(h *Header, k MasterKey, ui *plugin.ClientUI) error {
	var err error
	if h.Envelope, err = wrap(k, h.Openers, ui); err != nil {
		return err
	}
	written, err := s.writeHeader(h, k)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header = written
	return nil
}

// primary refuses to write a new header where the old one is damaged: its copy may be older.
func (s *Store) primary(h *Header) error {
	if h.second {
		return &DamagedError{filepath.Join(s.dir, headerFile), errSum}
	}
	return nil
}

// tidy removes what an interrupted renewal has left, which the header does not name, and makes
// the header's copy what it should be. What cannot be done now is done next time.
func (s *Store) tidy(h *Header) {
	entries, err := os.ReadDir(s.dir)
	if err != nil || h.second {
		return
	}
	if s.now != nil {
		disk.Sweep(s.dir, s.now().Add(-time.Hour))
		disk.Sweep(s.itemsDir(h), s.now().Add(-time.Hour))
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
