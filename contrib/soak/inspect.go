package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"aws-vault/vault/disk"
)

// mostLocks is the maximum number of lock files: one for each role's session, and 32 for the locks with fixed
// names.
const mostLocks = roles + 32

// inspect checks the files and credentials that the commands have left behind.
func (p *pool) inspect() error {
	locks, files := 0, 0
	err := filepath.WalkDir(p.home, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		if disk.IsTemp(e.Name()) || disk.IsCopy(e.Name()) {
			return fmt.Errorf("%s was left over", path)
		}
		if filepath.Base(filepath.Dir(path)) == "locks" {
			locks++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if locks > mostLocks {
		return fmt.Errorf("%d lock files, want at most %d", locks, mostLocks)
	}
	list, err := p.run("", "list", "--credentials")
	if err != nil {
		return err
	}
	if strings.TrimSpace(list) != "alice" {
		return fmt.Errorf("the keystore lists %q, want alice alone", list)
	}
	before := p.calls()
	for range 2 {
		for i := range roles {
			if err := p.provide("", "export", "--format=json", fmt.Sprintf("r%02d", i)); err != nil {
				return err
			}
		}
	}
	if made := p.calls() - before; made > roles+1 {
		return fmt.Errorf("%d AWS calls for %d roles, each requested twice: sessions are not cached", made, roles)
	}
	if said, err := p.run("", "doctor"); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	fmt.Printf("%d files remain, %d of them lock files and none of them temporary; all keys and sessions can be read; doctor reports no failures\n", files, locks)
	return nil
}
