// Package app provides what all commands share: the opened vault, questions to the user, notes and
// common flags. The commands are in the packages beside it, none of which imports another.
package app

import (
	"log/slog"
	"sync/atomic"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/source"
)

// An App is one run of the program.
type App struct {
	Env     Env
	Log     *slog.Logger
	Globals globals
	Debug   bool
	Opened  string // the keystore in use, once it is
	secret  string // the password of the security key, once it was right
	Serves  bool   // a program reads what we print, and its user may not know why they are asked

	State  func() (*disk.Folder, error) // findState, once
	Alone  *atomic.Bool                 // it was said that there is no state folder
	Trades *source.Trades               // that the process does not end in the middle of

	Memory func() keystore.Ring // keeps sessions where there is no state folder
}
