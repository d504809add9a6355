package source

import (
	"errors"
	"fmt"
	"io/fs"
)

// maxBundle bounds what is read of a file of roots; a system's is a quarter of a megabyte.
const maxBundle = 16 << 20

// roots reads the file that a profile names.
func (d *Deps) roots(path string) (*anchors, error) {
	text, err := d.read(path, maxBundle)
	if err != nil {
		return nil, fmt.Errorf("ca_bundle: %w", err)
	}
	a := readAnchors(text)
	if a.none() {
		return nil, fmt.Errorf("ca_bundle: %s holds no certificate, want PEM", path)
	}
	return a, nil
}

// bundled reads the first of the system's bundles that is there, once. Go would read the
// bundle and then each of its certificates again, from a file of its own.
func (d *Deps) bundled() *anchors {
	d.bundle.Do(func() {
		d.system = &anchors{system: true}
		for _, path := range d.Bundles {
			text, err := d.read(path, maxBundle)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				d.system.roots = readAnchors(text).roots
			}
			return
		}
	})
	return d.system
}
