package sealed

import (
	"bytes"
	"context"
	"errors"
)

// Check looks for damage in the header, its copy, the identity files and the items. It returns the damage as
// *[DamagedError]s. It returns an error if the store cannot be unlocked. Check never unlocks the touch key. If the
// touch key is not unlocked yet, Check reads only the labels of items that need a touch.
func (s *Store) Check(ctx context.Context) ([]error, error) {
	h, k, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	found := s.files.checkHeaders(k)
	for _, o := range h.Openers {
		if o.Kind != Passphrase {
			continue
		}
		if _, err := readIdentity(s.files.dir, o); err != nil {
			found = append(found, err)
		}
	}
	files, err := s.files.itemFiles(h)
	for _, file := range files {
		err := s.files.checkItem(h, keys{k, s.cachedTouchKey()}, file)
		if errors.Is(err, errFileMissing) { // the item was removed or the master key was replaced meanwhile
			changed, err := s.reread()
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

func (f files) checkHeaders(k MasterKey) (found []error) {
	first, err := readHeaderFile(f.dir, headerFile)
	if err == nil {
		err = first.authenticate(f.dir.Path(), k)
	}
	if err != nil {
		found = append(found, err)
	}
	second, err := readHeaderFile(f.dir, copyFile)
	same := func(a, b *Header) bool { return bytes.Equal(a.body, b.body) && bytes.Equal(a.mac, b.mac) }
	if err == nil && first != nil && !same(first, second) {
		err = &DamagedError{f.dir.File(copyFile), errors.New("the file is not a copy of the header")}
	}
	if err != nil {
		found = append(found, err)
	}
	return found
}

func (f files) checkItem(h *Header, k keys, file string) error {
	o, path, err := f.open(h, k.master, file)
	if err != nil {
		return err
	}
	if k.master.fileName(h.Store, o.Kind, o.Name) != file {
		return &DamagedError{path, errOtherItem}
	}
	if o.Touch && k.touch == nil {
		return nil
	}
	if _, err := o.open(h, k.touch); err != nil {
		return &DamagedError{path, err}
	}
	return nil
}

// Repair makes the header and its copy equal again. It uses the header if the header is intact, and the copy
// otherwise. It does not change items. It returns true if the header and the copy differed, or if one of them was
// damaged.
func (s *Store) Repair(ctx context.Context) (bool, error) {
	_, k, err := s.keys(ctx)
	if err != nil {
		return false, err
	}
	if len(s.files.checkHeaders(k)) == 0 {
		return false, nil
	}
	return true, s.withWriteLock(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		if !h.fromCopy {
			return nil // withWriteLock has called cleanUp, which repaired the copy
		}
		data, err := s.files.dir.Read(copyFile, maxHeader)
		if err != nil {
			return err
		}
		if err := s.files.disk.write(s.files.dir, headerFile, data); err != nil {
			return err
		}
		_, err = s.reread()
		return err
	})
}
