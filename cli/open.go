package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// callersVariable tells a program that a profile runs which profiles have led to it, so
// that a credential_process which comes back to itself is seen.
const callersVariable = "AWS_VAULT_CALLERS"

// config is the AWS config file.
func (a *app) config() vault.ConfigFile {
	path, ok := a.env.Getenv("AWS_CONFIG_FILE")
	if !ok || path == "" {
		path = filepath.Join("~", ".aws", "config")
	}
	return vault.ConfigFile{Path: a.path(path), Name: a.tilde(a.path(path))}
}

// credentialsFile is the shared credentials file.
func (a *app) credentialsFile() vault.ConfigFile {
	path, ok := a.env.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if !ok || path == "" {
		path = filepath.Join("~", ".aws", "credentials")
	}
	return vault.ConfigFile{Path: a.path(path), Name: a.tilde(a.path(path)), Shared: true}
}

// readConfig parses the config file and, beside it, the shared credentials file.
func (a *app) readConfig(flags map[string]profile.Flag) (*profile.File, profile.Inputs, error) {
	in := profile.Inputs{Flags: flags, Env: a.env.Getenv}
	f, err := a.config().Read()
	if err != nil {
		return nil, in, err
	}
	in.Credentials, err = a.credentialsFile().Read()
	return f, in, err
}

// path fills in ~.
func (a *app) path(p string) string {
	if p == "~" || strings.HasPrefix(p, "~/") || strings.HasPrefix(p, `~\`) {
		return filepath.Join(a.env.Home, p[1:])
	}
	return p
}

// tilde shortens a path for those who read it.
func (a *app) tilde(p string) string {
	if rest, ok := strings.CutPrefix(p, a.env.Home+string(filepath.Separator)); ok && a.env.Home != "" {
		return "~" + string(filepath.Separator) + rest
	}
	return p
}

// shorten shortens the paths in a text for those who read it.
func (a *app) shorten(text string) string {
	if a.env.Home == "" || a.env.Home == string(filepath.Separator) {
		return text
	}
	return strings.ReplaceAll(text, a.env.Home+string(filepath.Separator), "~"+string(filepath.Separator))
}

// locks are those of this user's processes.
func (a *app) locks(what string) (*store.Locks, *disk.Folder, error) {
	state, err := a.sharedState()
	if err != nil {
		return nil, nil, err
	}
	return &store.Locks{
		Dir: state.Folder("locks"), Program: strings.TrimSpace("aws-vault " + what), Now: a.env.Now,
		Callers: a.env.Programs.Callers,
		Waiting: func(w store.Waiting) {
			if w.Program == "" {
				w.Program = "another aws-vault"
			}
			a.note("waiting for process %d (%s) to be done with: %s", w.Process, w.Program, w.Question)
		},
	}, state, nil
}

// A session is what a command has to do with credentials, put together.
type session struct {
	*vault.Vault
	locks    *store.Locks
	keystore *keystore.Keystore
	state    *disk.Folder
}

// open puts the parts together for a command, said in words for those who wait for it.
// code is the MFA code that was given as a flag, if any.
func (a *app) open(ctx context.Context, what string, flags map[string]profile.Flag, code string) (*session, error) {
	config, in, err := a.readConfig(flags)
	if err != nil {
		return nil, err
	}
	locks, state, err := a.locks(what)
	if err != nil {
		return nil, err
	}
	ks, err := a.env.OpenKeystore(ctx, a.keystoreConfig(locks, state))
	if err != nil {
		return nil, err
	}
	a.opened = ks.Name
	return a.assemble(config, in, locks, state, ks, code), nil
}

func (a *app) assemble(config *profile.File, in profile.Inputs, locks *store.Locks, state *disk.Folder, ks *keystore.Keystore, code string) *session {
	place := []string{ks.Name, a.globals.fileDir, a.globals.passDir, a.globals.passPrefix, a.globals.keychain, a.globals.collection}
	if ks.Name == keystore.SealedBackend {
		place = append(place, a.globals.sealedDir)
	}
	local := state.Folder("keystore").Folder(digest(place...))
	index := &store.Index{Dir: local, Locks: locks}
	var pending *store.Pending
	sessions := ks.Private
	if state == nil {
		sessions = a.memory()
	}
	tokens := store.StampedRing(sessions)
	if state != nil && !ks.Local {
		pending = &store.Pending{Ring: ks.Private, Dir: local.Folder("pending"), Index: index, Now: a.env.Now}
		tokens = pending
	}
	v := &vault.Vault{
		Config: config, Inputs: in, Open: a.openFile, Warn: a.warn,
		Keys: &store.Keys{Ring: ks.Keys, Dir: local.Folder("generations")},
		Sessions: &store.Sessions{
			Ring: sessions, Pending: pending, Expect: ks.Expect, Locks: locks, Index: index, Now: a.env.Now,
			Cancelled: func(err error) bool { return errors.Is(err, prompt.ErrCancelled) },
		},
		Source: &source.Deps{
			AWS: &awsapi.Client{
				Clock: &awsapi.Clock{Local: a.env.Now}, Timeout: a.globals.timeout, Sleep: sleep, Proxy: http.ProxyFromEnvironment,
				Open: a.openFile, Bundles: a.bundles(), Log: a.log,
			},
			Getenv: a.env.Getenv, Open: a.openFile, Log: a.log, Sleep: sleep,
			Tell: func(m string) { a.note("%s", m) }, Trades: a.trades, Delayed: a.delayed,
			Codes: &store.Codes{Dir: state.Folder("codes"), Locks: locks},
			Ask:   a.askCode(locks, code), Confirm: a.confirmSignIn(locks), Run: a.runShell, Environ: a.programEnvironment, Callers: a.callers(),
			Card: a.useCardKey(locks), Reads: func(q source.Question) bool { return code == "" && a.reads(q) },
		},
	}
	v.Touch, v.Keys.Guard = ks.Touch, v.Guard
	v.Source.AWS.Tell = v.Source.Say
	v.Source.Key, v.Source.Static = v.Keys.Key, v.StaticKey
	v.Source.Tokens = &store.Tokens{Ring: tokens, Locks: locks, Index: index, Now: a.env.Now, Cancelled: v.Sessions.Cancelled, Guard: v.GuardTokens(tokensOf)}
	v.Source.Cache, v.Source.Logins = a.ssoCache(state), a.loginCache()
	v.Source.Person = a.person(signInFlags{})
	v.Source.Identities = &vault.Identities{Dir: identityDir(state), Ring: ks.Private, Locks: locks, Now: v.Source.AWS.Clock.Now}
	return &session{v, locks, ks, state}
}

// delayed tells the user what we still wait for after they have asked us to end. It writes to a
// terminal only: a program that reads our stderr may be gone, and to write to it would end us.
func (a *app) delayed(message string) {
	if a.env.Read {
		a.note("%s", message)
	}
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

func (a *app) keystoreConfig(locks *store.Locks, state *disk.Folder) keystore.Config {
	g := a.globals
	return keystore.Config{
		Backend: g.backend, KeychainName: g.keychain, Collection: g.collection,
		PassDir: g.passDir, PassCmd: g.passCmd, PassPrefix: g.passPrefix, FileDir: g.fileDir, SealedDir: g.sealedDir,
		State: state, Home: a.env.Home, Passphrase: a.askPassphrase(locks), Openers: a.hands(locks),
		Alone: alone(locks), Programs: a.env.Programs,
		Tell: func(m string) { a.note("%s", a.shorten(m)) }, Warn: a.warnWithRemedy,
		Getenv: a.env.Getenv, Now: a.env.Now, Debug: a.log.Debug,
	}
}

func (a *app) openFile(path string) (io.ReadCloser, error) { return os.Open(a.path(path)) }

func (a *app) callers() []string {
	list, _ := a.env.Getenv(callersVariable)
	if list == "" {
		return nil
	}
	return strings.Split(list, "\n")
}

// runShell runs what a profile names. What it is told of its caller is the profile, so
// that it cannot lead back there.
func (a *app) runShell(ctx context.Context, c source.Command) ([]byte, error) {
	environ := append(a.env.Environ(), callersVariable+"="+strings.Join(append(a.callers(), c.Profile), "\n"))
	return a.env.Shell(ctx, c.Line, environ, c.Max)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
