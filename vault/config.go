package vault

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

// A ConfigFile is the AWS config file on disk.
type ConfigFile struct {
	Path string // where it lies
	Name string // how messages name it
}

// Read parses the file. One that is not there is an empty one.
func (c ConfigFile) Read() (*profile.File, error) {
	text, err := disk.ReadBounded(c.Path, MaxConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", c.Name, err)
	}
	return profile.Parse(c.Name, text)
}

// Edit changes the file under a lock between processes, so that no edit undoes another.
// The file is replaced at once: whoever reads it sees the old text or the new.
func (c ConfigFile) Edit(ctx context.Context, locks *store.Locks, change func(*profile.File) ([]byte, error)) error {
	lock, err := locks.Alone(ctx, "config", "an edit of "+c.Name)
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
	if err := disk.ReplaceKeeping(c.Path, text); err != nil {
		return fmt.Errorf("writing %s: %w", c.Name, err)
	}
	return nil
}
