package keystore

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/sealed"
	"aws-vault/vault/program"
)

// service is the service name under which aws-vault 7 stores its items in the keystores of the operating system.
const service = "aws-vault"

// Config selects the keystore to open, sets the locations of its parts, and provides the callbacks that it
// needs.
type Config struct {
	Backend string // the keystore to open, one of Backends; if empty, the first keystore that is available

	KeychainName string // the keychain of macOS; default "aws-vault"
	Collection   string // the collection of the Secret Service; default "awsvault"
	PassDir      string // the directory of the password store; default $PASSWORD_STORE_DIR, then ~/.password-store
	PassCmd      string // the pass program; default "pass"
	PassPrefix   string // the folder in the password store that contains the items
	FileDir      string // the directory of the file keystore; default ~/.awsvault/keys
	SealedDir    string // the directory of the sealed keystore; default aws-vault/sealed in the user's data folder

	// State is aws-vault's state folder. It contains the private items of the file and pass backends. If there is
	// no state folder, State is nil.
	State *disk.Folder
	Home  string // the directory that ~ stands for

	// Passphrase prompts for the passphrase of the file keystore. It is called once per process, and again after
	// each wrong answer. If Passphrase returns an error, the operation fails without another prompt.
	Passphrase func(ctx context.Context, prompt PassphrasePrompt) (string, error)

	// Lock acquires the lock called name, which excludes other processes. A process that waits for the lock
	// displays the text question, which describes what the lock is for. The sealed keystore works with the
	// returned context while it holds the lock, and then calls release.
	Lock func(ctx context.Context, name, question string) (under context.Context, release func(), err error)

	Programs *program.Starter // starts the pass program; may be nil

	// Openers configures how the sealed keystore is unlocked.
	Openers sealed.UnlockOptions

	// CatchSignals is called before aws-vault uses another program that may prompt the user. If CatchSignals is
	// nil, the caller handles signals.
	CatchSignals func()

	Note   func(msg string) // informs the user of an action that the user did not request; nil for no output
	Warn   func(error)      // warns the user of a danger; nil for no output
	Getenv func(name string) (string, bool)
	Now    func() time.Time
	Debug  func(msg string, args ...any) // logs a message, which must not contain secrets; nil for no output
}

// A PassphrasePrompt describes a prompt for the passphrase of a file keystore.
type PassphrasePrompt struct {
	Dir   string // the directory of the keystore
	New   bool   // whether the keystore has no items yet; the user then chooses its passphrase and has to confirm it
	Wrong int    // number of wrong answers so far
}

func (c Config) fileDir() (string, error) {
	return c.absolute(cmp.Or(c.FileDir, filepath.Join("~", ".awsvault", "keys")))
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

// env returns the value of an environment variable, and whether the variable is set.
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
