package awsapi

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// maxBundle bounds what is read of a file of roots; a system's is a quarter of a megabyte.
const maxBundle = 16 << 20

// readRoots reads the file that a profile names.
func readRoots(open func(string) (io.ReadCloser, error), path string) (*anchors, error) {
	text, err := ReadFile(open, path, maxBundle)
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
func (n *Network) bundled() *anchors {
	n.bundle.Do(func() {
		n.system = &anchors{system: true}
		for _, path := range n.Bundles {
			text, err := ReadFile(n.Open, path, maxBundle)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				n.system.roots = readAnchors(text).roots
			}
			return
		}
	})
	return n.system
}
