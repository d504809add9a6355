// Package configfile reads and changes the AWS config file and the shared credentials file on disk.
// Package profile parses and edits their text.
package configfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"aws-vault/vault/disk"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

// MaxConfig is the maximum size of a config file in bytes.
const MaxConfig = 32 << 20

// A File is the AWS config file or the shared credentials file on disk.
type File struct {
	Path   string // the path on disk
	Name   string // the name of the file in messages
	Shared bool   // whether this is the shared credentials file

	// Trusted reports whether programs that the file names are run even if other users can change the file.
	Trusted bool
}

// Read parses the file. It treats a file that does not exist as an empty file. If other users can change the file,
// the result refuses the programs that the file names. There are two exceptions: if the field Trusted is set, the
// programs are allowed; if the file's mount explains the owner and the mode, they are allowed with a note.
func (c File) Read() (*profile.File, error) {
	text, info, err := disk.ReadTextInfo(c.Path, MaxConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", c.Name, err)
	}
	parse := profile.Parse[string]
	if c.Shared {
		parse = profile.ParseCredentials[string]
	}
	f, err := parse(c.Name, text)
	if err != nil || info == nil || c.Trusted {
		return f, err
	}
	if t := c.trust(info); t != (profile.Trust{}) {
		f = f.WithTrust(t)
	}
	return f, nil
}

// trust decides whether the programs that the file names may be run.
func (c File) trust(info fs.FileInfo) profile.Trust {
	var shared *disk.SharedError
	switch err := disk.CheckShared(c.Path, info); {
	case !errors.As(err, &shared):
		return profile.Trust{}
	case shared.Mount == "":
		return profile.Trust{Refused: &SharedError{c.Name, shared}}
	}
	return profile.Trust{Note: fmt.Sprintf("programs in %s are run although the file %s, because it is %s", c.Name, shared.Reason(), shared.Mount)}
}

// A SharedError reports that other users can change a config file, so the programs that it names are not run.
type SharedError struct {
	Name string // the name of the file in messages
	File *disk.SharedError
}

func (e *SharedError) Error() string { return e.Name + " " + e.File.Reason() }

// Edit changes the file under a lock that all processes of aws-vault share, so that no edit is lost. If possible, it
// replaces the file atomically: other programs then read either the old text or the new text. [disk.ReplacePreserving]
// lists the files that cannot be replaced atomically.
func (c File) Edit(ctx context.Context, locks *store.Locks, change func(*profile.File) ([]byte, error)) error {
	return c.edit(ctx, locks, disk.ReplacePreserving, change)
}

// A LinkedKeyError reports that an access key was removed from a file, but that the old file still exists under other
// names.
type LinkedKeyError struct {
	File  string // the name of the file in messages
	Links uint64 // number of the other names
}

func (e *LinkedKeyError) Error() string {
	links := "another hard link"
	if e.Links > 1 {
		links = fmt.Sprintf("%d other hard links", e.Links)
	}
	return fmt.Sprintf("%s: the old file, with all its keys, is still readable: it has %s", e.File, links)
}

// RemoveKey removes an access key from the file, in the same way as Edit. It never makes a copy of the old
// text, because the copy would contain the key. It fails if the file cannot be replaced without a copy. A
// [*LinkedKeyError] means that RemoveKey has removed the key, but that the old file still exists under other names.
func (c File) RemoveKey(ctx context.Context, locks *store.Locks, k profile.PlainKey) error {
	var links uint64
	replace := func(path string, text []byte) (err error) {
		if links, err = disk.OtherLinks(path); err != nil {
			return err
		}
		return disk.ReplacePreservingWithoutCopy(path, text)
	}
	err := c.edit(ctx, locks, replace, func(f *profile.File) ([]byte, error) { return profile.WithoutKey(f, k) })
	if err == nil && links > 0 {
		return &LinkedKeyError{File: c.Name, Links: links}
	}
	return err
}

func (c File) edit(ctx context.Context, locks *store.Locks, replace func(string, []byte) error, change func(*profile.File) ([]byte, error)) error {
	_, lock, err := locks.Named(ctx, "config", "an edit of "+c.Name)
	if err != nil {
		return err
	}
	defer lock.Close()
	f, err := c.Read()
	if err != nil {
		return err
	}
	text, err := change(f)
	if err != nil || text == nil {
		return err
	}
	if err := replace(c.Path, text); err != nil {
		return fmt.Errorf("writing %s: %w", c.Name, err)
	}
	return nil
}
