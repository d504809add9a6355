package sealed

import (
	"context"
	"errors"
	"fmt"

	"filippo.io/age"

	"aws-vault/vault/printable"
)

// A NewOpener describes an opener to add to a store.
type NewOpener struct {
	Opener
	Passphrase string // only if Kind is Passphrase; Create and Add then create the Recipient
}

// Create creates a store with its first openers. It returns [ErrExists] if the directory already contains a
// store, even a damaged one.
func Create(ctx context.Context, c Config, ui PluginUI, openers ...NewOpener) (*Store, error) {
	s := newStore(c)
	if err := s.files.disk.mkdir(s.files.dir); err != nil {
		return nil, err
	}
	ctx, release, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if _, err := readHeader(s.files.dir); !errors.Is(err, ErrNoStore) {
		return nil, fmt.Errorf("%s: %w", s.files.dir.Path(), ErrExists)
	}
	h := &Header{Format: headerFormat, Store: randomHex(16), Generation: 1}
	for _, o := range openers {
		if err := s.files.addOpener(h, o); err != nil {
			return nil, err
		}
	}
	return s, s.wrapKeys(ctx, h, newMasterKey(), nil, ui)
}

// addOpener appends an opener to the header's list. If the opener has a passphrase, addOpener also writes the
// opener's identity file.
func (f files) addOpener(h *Header, o NewOpener) error {
	opener, file, err := o.createIdentity()
	if err != nil {
		return err
	}
	for _, other := range h.Openers {
		if other.Name == opener.Name || other.Recipient == opener.Recipient {
			return &OpenerError{opener.Name, fmt.Errorf("opener %s already has that name or that key", printable.Quote(other.Name))}
		}
	}
	if err := opener.validate(); err != nil {
		return err
	}
	if file != nil {
		if err := f.disk.write(f.dir, identityFile(opener.Recipient), file); err != nil {
			return err
		}
	}
	h.Openers = append(h.Openers, opener)
	return nil
}

// createIdentity creates the identity of an opener with a passphrase. It returns the opener and the content of the
// identity file. For other openers, it returns the opener unchanged and no file.
func (o NewOpener) createIdentity() (Opener, []byte, error) {
	if o.Kind != Passphrase {
		return o.Opener, nil, nil
	}
	if o.Passphrase == "" {
		return Opener{}, nil, &OpenerError{o.Name, errors.New("the passphrase is empty")}
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return Opener{}, nil, err
	}
	file, err := sealIdentity(id, o.Passphrase)
	o.Recipient, o.Digest = id.Recipient().String(), digest(file)
	return o.Opener, file, err
}

// wrapKeys encrypts the master key and the touch key for the openers of h, and writes h as the store's header. If
// touch is nil and there is a hardware opener, it creates a touch key.
func (s *Store) wrapKeys(ctx context.Context, h *Header, k MasterKey, touch *MasterKey, ui PluginUI) error {
	h.Key = k.id(h.Store)
	var err error
	if h.Envelope, err = wrap(ctx, k, h.Openers, ui); err != nil {
		return err
	}
	if h.Touch = nil; len(hardware(h.Openers)) > 0 {
		if touch == nil {
			created := newMasterKey()
			touch = &created
		}
		if h.Touch, err = wrap(ctx, *touch, hardware(h.Openers), ui); err != nil {
			return err
		}
	}
	written, err := s.files.writeHeader(h, k)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header, s.key, s.touchKey = written, &k, touch
	return nil
}
