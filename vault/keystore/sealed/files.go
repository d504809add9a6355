package sealed

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/disk"
)

// The names of a store's files. The name of the items' directory is itemsDir followed by the ID of the master key.
const (
	headerFile = "store"
	copyFile   = "store.copy"
	itemsDir   = "items-"
)

// files reads and writes the files of a store: the header, its copy, the identities and the items. It stores no
// keys and acquires no lock. Its methods use the header and the keys that the caller provides.
type files struct {
	dir  *disk.Folder
	disk diskCalls
}

// diskCalls are the functions that change the disk. Tests replace them to simulate errors and crashes.
type diskCalls struct {
	write        func(f *disk.Folder, name string, data []byte) error
	remove       func(f *disk.Folder, name string) error
	removeFolder func(f *disk.Folder) error
	mkdir        func(f *disk.Folder) error
}

var realDisk = diskCalls{
	write: (*disk.Folder).Write, remove: (*disk.Folder).Remove, removeFolder: (*disk.Folder).RemoveFolder,
	mkdir: (*disk.Folder).Make,
}

// keys are the keys that encrypt items.
type keys struct {
	master MasterKey
	touch  *MasterKey // the key for items that need a touch; nil while this key is not unlocked
}

// items returns the directory of the items that are encrypted with the master key of h.
func (f files) items(h *Header) *disk.Folder { return f.dir.Folder(itemsDir + h.Key) }

// itemFiles returns the names of the item files.
func (f files) itemFiles(h *Header) ([]string, error) {
	entries, err := f.items(h).Entries()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var files []string
	for _, e := range entries {
		if !disk.IsTemp(e.Name()) {
			files = append(files, e.Name())
		}
	}
	return files, err
}

// label reads an item's file, decrypts the label in it, and verifies the kind and the name in the label.
func (f files) label(h *Header, k MasterKey, kind, name string) (*openedFile, string, error) {
	file := k.fileName(h.Store, kind, name)
	o, path, err := f.open(h, k, file)
	if err == nil && (o.Kind != kind || o.Name != name) {
		err = &DamagedError{path, errOtherItem}
	}
	return o, path, err
}

func (f files) open(h *Header, k MasterKey, file string) (*openedFile, string, error) {
	path := f.items(h).File(file)
	data, err := readItemFile(f.items(h), file)
	if err != nil {
		return nil, path, convertMissing(err)
	}
	o, err := openLabel(h, k, file, data)
	if err != nil {
		return nil, path, &DamagedError{path, err}
	}
	return o, path, nil
}

func convertMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errFileMissing
	}
	return err
}

func readItemFile(dir *disk.Folder, file string) ([]byte, error) {
	data, err := dir.Read(file, maxItemFile)
	var large *disk.TooLargeError
	if errors.As(err, &large) {
		return nil, &DamagedError{dir.File(file), err}
	}
	return data, err
}

func (f files) put(h *Header, k keys, it Item) error {
	file := k.master.fileName(h.Store, it.Kind, it.Name)
	data, err := sealItem(h, k.master, k.touch, file, it)
	if err != nil {
		return err
	}
	dir := f.items(h)
	if err := f.disk.mkdir(dir); err != nil {
		return err
	}
	return f.disk.write(dir, file, data)
}

// writeHeader adds the MAC to h and writes the header and its copy. It returns the header as a later read would
// return it.
func (f files) writeHeader(h *Header, k MasterKey) (*Header, error) {
	data, err := h.encode(k)
	if err != nil {
		return nil, err
	}
	if len(data) > maxHeader {
		return nil, &disk.TooLargeError{Path: f.dir.File(headerFile), Max: maxHeader}
	}
	written, err := parseHeader(data) // make sure that the header can be read back
	if err != nil {
		return nil, err
	}
	for _, name := range []string{headerFile, copyFile} {
		if err := f.disk.write(f.dir, name, data); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// cleanUp removes the leftovers of interrupted operations: items and identities that the header does not mention,
// and temporary files older than the time staleBefore. It also makes the copy of the header equal to the header.
// If h was read from the copy, cleanUp does nothing. cleanUp ignores errors, because the next write calls it
// again.
func (f files) cleanUp(h *Header, staleBefore time.Time) {
	entries, err := f.dir.Entries()
	if err != nil || h.fromCopy {
		return
	}
	f.dir.Sweep(entries, staleBefore)
	identities := map[string]bool{}
	for _, o := range h.Openers {
		identities[identityFile(o.Recipient)] = true
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, itemsDir) && name != itemsDir+h.Key:
			f.removeItems(f.dir.Folder(name))
		case strings.HasPrefix(name, identityPrefix) && !identities[name]:
			f.disk.remove(f.dir, name)
		}
	}
	first, err := f.dir.Read(headerFile, maxHeader)
	copied, copyErr := f.dir.Read(copyFile, maxHeader)
	if err == nil && (copyErr != nil || !slices.Equal(first, copied)) {
		f.disk.write(f.dir, copyFile, first)
	}
}

// removeItems removes a directory of items and its files.
func (f files) removeItems(dir *disk.Folder) {
	entries, _ := dir.Entries()
	for _, e := range entries {
		f.disk.remove(dir, e.Name())
	}
	f.disk.removeFolder(dir)
}
