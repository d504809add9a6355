package keystore

import (
	"context"
	"path/filepath"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/sealed"
	"aws-vault/vault/program"
)

// service is what aws-vault 7 calls itself in the system's keystores.
const service = "aws-vault"

// Config says which keystore to open, where its parts are, and what it may ask of the world.
type Config struct {
	Backend string // one of Backends; "" takes the first that can exist here

	KeychainName string // macOS; "" is aws-vault
	Collection   string // Secret Service; "" is awsvault
	PassDir      string // "" is $PASSWORD_STORE_DIR, else ~/.password-store
	PassCmd      string // "" is pass
	PassPrefix   string // folder within the password store
	FileDir      string // "" is ~/.awsvault/keys
	SealedDir    string // "" is aws-vault/sealed where the user's data lies

	State *disk.Folder // this program's own state: private parts that no system keystore takes are there; nil for none
	Home  string       // what ~ stands for

	// Passphrase asks for the passphrase of the file keystore. It is called at most once in a
	// process, but for wrong answers; an error of its own ends the asking and is handed on.
	Passphrase func(ctx context.Context, ask PassphrasePrompt) (string, error)

	// Lock takes the lock of that name between processes, for the sealed keystore. It returns the context
	// for what is done until release is called. The question is for processes that wait.
	Lock func(ctx context.Context, name, question string) (under context.Context, release func(), err error)

	Programs *program.Starter // starts pass; may be nil

	// Openers are how the openers of the sealed keystore are reached.
	Openers sealed.UnlockOptions

	// CatchSignals is called before another program is asked for something: it may ask its user. Nil where
	// signals are left to the caller.
	CatchSignals func()

	Note   func(msg string) // nil is silent; for the user: what was done without being asked for
	Warn   func(error)      // nil is silent; for the user: what is dangerous and works
	Getenv func(name string) (string, bool)
	Now    func() time.Time
	Debug  func(msg string, args ...any) // nil is silent; never told a secret
}

// PassphrasePrompt is the question for a passphrase.
type PassphrasePrompt struct {
	Dir   string // the directory that it opens
	New   bool   // nothing is sealed there yet: the answer becomes the passphrase, so it is confirmed
	Wrong int    // how many answers were wrong already
}

func (c Config) fileDir() (string, error) {
	return c.absolute(orElse(c.FileDir, filepath.Join("~", ".awsvault", "keys")))
}

// absolute is path with ~ filled in and made absolute, so that it means one place from wherever
// the program is run.
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

// env is for what a variable of the user's, or of another program, says.
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
