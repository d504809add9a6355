package keystore

import (
	"context"
	"path/filepath"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/sealed"
	"aws-vault/vault/program"
)

// service is the name of aws-vault 7's items in the keystores of the operating system.
const service = "aws-vault"

// Config selects the keystore to open, sets the locations of its parts, and provides the callbacks that it
// needs.
type Config struct {
	Backend string // one of Backends; if empty, the first that is available

	KeychainName string // macOS; default "aws-vault"
	Collection   string // Secret Service; default "awsvault"
	PassDir      string // default $PASSWORD_STORE_DIR, then ~/.password-store
	PassCmd      string // default "pass"
	PassPrefix   string // folder in the password store
	FileDir      string // default ~/.awsvault/keys
	SealedDir    string // default aws-vault/sealed in the user's data folder

	// State is aws-vault's state folder. It contains the private items of the file and pass backends.
	// Nil if there is no state folder.
	State *disk.Folder
	Home  string // the directory that ~ stands for

	// Passphrase prompts for the passphrase of the file keystore. It is called once per process, and again
	// after each wrong answer. If it returns an error, the prompts end and the caller gets that error.
	Passphrase func(ctx context.Context, prompt PassphrasePrompt) (string, error)

	// Lock acquires the lock called name, which excludes other processes. The sealed keystore uses it. Work
	// under the lock uses the returned context and ends with release. Waiting processes display question.
	Lock func(ctx context.Context, name, question string) (under context.Context, release func(), err error)

	Programs *program.Starter // starts the pass program; may be nil

	// Openers configures how the sealed keystore is unlocked.
	Openers sealed.UnlockOptions

	// CatchSignals is called before another program is used that may prompt the user. Nil leaves signals to the
	// caller.
	CatchSignals func()

	Note   func(msg string) // tells the user what was done without a request; nil for no output
	Warn   func(error)      // warns the user of a danger; nil for no output
	Getenv func(name string) (string, bool)
	Now    func() time.Time
	Debug  func(msg string, args ...any) // logs a message, which must not contain secrets; nil for no output
}

// A PassphrasePrompt describes a prompt for the passphrase of a file keystore.
type PassphrasePrompt struct {
	Dir   string // the directory of the keystore
	New   bool   // the keystore has no items yet; the answer becomes its passphrase and has to be confirmed
	Wrong int    // number of wrong answers so far
}

func (c Config) fileDir() (string, error) {
	return c.absolute(orElse(c.FileDir, filepath.Join("~", ".awsvault", "keys")))
}

// absolute expands ~ in path and makes path absolute, so that the path does not depend on the working
// directory.
func (c Config) absolute(path string) (string, error) {
	return filepath.Abs(disk.ExpandHome(path, c.Home))
}

func (c Config) catchSignals() {
	if c.CatchSignals != nil {
		c.CatchSignals()
	}
}

func (c Config) debug(msg string, args ...any) {
	if c.Debug != nil {
		c.Debug(msg, args...)
	}
}

// env returns an environment variable and whether it is set.
func (c Config) env(name string) (string, bool) {
	if c.Getenv == nil {
		return "", false
	}
	return c.Getenv(name)
}

func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Time{}
	}
	return c.Now()
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
