package sealed

import (
	"context"
	"errors"
)

// Check looks whether the store is whole: its header and the copy of that, the files of its
// identities, and each item. It returns what is wrong, as *[DamagedError]s, and an error if
// the store stays shut. Items that open with a touch are looked at from outside.
func (s *Store) Check(ctx context.Context) ([]error, error) {
	h, k, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	found := s.checkHeaders(k)
	for _, o := range h.Openers {
		if o.Kind != Passphrase {
			continue
		}
		if _, err := readIdentity(s.dir, o); err != nil {
			found = append(found, err)
		}
	}
	files, err := s.itemFiles(h)
	for _, file := range files {
		err := s.checkItem(h, k, file)
		if errors.Is(err, errGone) { // it was removed since it was listed, or all were sealed anew
			changed, err := s.again()
			if err != nil {
				return nil, err
			}
			if changed {
				return s.Check(ctx)
			}
			continue
		}
		if err != nil {
			found = append(found, err)
		}
	}
	return found, err
}

func (s *Store) checkHeaders(k MasterKey) (found []error) {
	first, err := readHeaderFile(s.dir, headerFile)
	if err == nil {
		err = first.check(s.dir.Path(), k)
	}
	if err != nil {
		found = append(found, err)
	}
	second, err := readHeaderFile(s.dir, copyFile)
	if err == nil && first != nil && (string(first.body) != string(second.body) || string(first.mac) != string(second.mac)) {
		err = &DamagedError{s.dir.File(copyFile), errors.New("it is not the copy of the header")}
	}
	if err != nil {
		found = append(found, err)
	}
	return found
}

func (s *Store) checkItem(h *Header, k MasterKey, file string) error {
	o, path, err := s.openFile(h, k, file)
	if err != nil {
		return err
	}
	s.mu.Lock()
	touch := s.touchKey
	s.mu.Unlock()
	if k.fileName(h.Store, o.Kind, o.Name) != file {
		return &DamagedError{path, errOtherItem}
	}
	if o.Touch && touch == nil {
		return nil
	}
	if _, err := o.open(h, touch); err != nil {
		return &DamagedError{path, err}
	}
	return nil
}

// Repair makes the header and its copy the same again: from the header, or else from the copy.
// Items are not touched. It returns whether something was amiss.
func (s *Store) Repair(ctx context.Context) (bool, error) {
	_, k, err := s.keys(ctx)
	if err != nil {
		return false, err
	}
	if len(s.checkHeaders(k)) == 0 {
		return false, nil
	}
	return true, s.writing(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		if !h.second {
			return nil // tidied, on the way here
		}
		data, err := s.dir.Read(copyFile, maxHeader)
		if err != nil {
			return err
		}
		if err := s.disk.write(s.dir, headerFile, data); err != nil {
			return err
		}
		_, err = s.again()
		return err
	})
}
