// Package configfile reads and changes the AWS config file and the shared credentials file on disk.
// What is in them is the business of package profile.
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

// MaxConfig bounds what is read of a config file.
const MaxConfig = 32 << 20

// A ConfigFile is the AWS config file on disk, or the shared credentials file.
type ConfigFile struct {
	Path   string // where it lies
	Name   string // how messages name it
	Shared bool   // it is the shared credentials file
}

// Read parses the file. One that is not there is an empty one.
func (c ConfigFile) Read() (*profile.File, error) {
	text, err := disk.ReadText(c.Path, MaxConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", c.Name, err)
	}
	if c.Shared {
		return profile.ParseCredentials(c.Name, text)
	}
	return profile.Parse(c.Name, text)
}

// Edit changes the file under a lock between processes, so that no edit undoes another.
// The file is replaced at once: whoever reads it sees the old text or the new.
func (c ConfigFile) Edit(ctx context.Context, locks *store.Locks, change func(*profile.File) ([]byte, error)) error {
	return c.edit(ctx, locks, disk.ReplacePreserving, change)
}

// TakeOut takes an access key out of the file as Edit does, and never makes a copy of the
// old text: a file for which that is not to be had is refused.
func (c ConfigFile) TakeOut(ctx context.Context, locks *store.Locks, k profile.PlainKey) error {
	return c.edit(ctx, locks, disk.ReplacePreservingWithoutCopy, func(f *profile.File) ([]byte, error) {
		return profile.WithoutKey(f, k)
	})
}

func (c ConfigFile) edit(ctx context.Context, locks *store.Locks, replace func(string, []byte) error, change func(*profile.File) ([]byte, error)) error {
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
