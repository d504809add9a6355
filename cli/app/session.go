package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/envvar"
	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/identitykeys"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// programEnvironment is what a credential_process may go by: the environment without what is incidental, and without
// what opens the vault, which must not be part of a hash.
func programEnvironment(a *App) []string {
	return envvar.Drop(slices.Clone(a.Env.Environ()), envvar.Incidental, envvar.Unlocking)
}

// ExecNeed is how long credentials serve at least that a command is given: nothing renews
// them for it.
func ExecNeed(pl plan.Plan) time.Duration {
	if pl.MinTTL != nil {
		return *pl.MinTTL
	}
	return 5 * time.Minute
}

// A Session is what a command has to do with credentials, put together.
type Session struct {
	*vault.Vault
	Locks    *store.Locks
	Keystore *keystore.Keystore
	State    *disk.Folder
}

// Open puts the parts together for a command, said in words for those who wait for it.
func (a *App) Open(ctx context.Context, what string) (*Session, error) {
	config, in, err := a.Env.ReadConfig(nil)
	if err != nil {
		return nil, err
	}
	return a.openWith(ctx, what, config, in, askOptions{})
}

// askOptions is how a session asks the user: whether a program reads what the command prints, and the MFA
// code that was given as a flag, if any.
type askOptions struct {
	forProgram bool
	code       string
}

func (a *App) openWith(ctx context.Context, what string, config *profile.File, in profile.Inputs, how askOptions) (*Session, error) {
	locks, state, err := a.Locks(what)
	if err != nil {
		return nil, err
	}
	q := Asker{app: a, locks: locks, forProgram: how.forProgram}
	ks, err := a.Env.OpenKeystore(ctx, a.KeystoreConfig(q, state))
	if err != nil {
		return nil, err
	}
	a.KeystoreName = ks.Name
	return a.assemble(config, in, q, state, ks, how.code), nil
}

// Assemble puts the parts together for one reading of the config files.
func (a *App) Assemble(config *profile.File, in profile.Inputs, locks *store.Locks, state *disk.Folder, ks *keystore.Keystore) *Session {
	return a.assemble(config, in, a.Asker(locks), state, ks, "")
}

func (a *App) assemble(config *profile.File, in profile.Inputs, q Asker, state *disk.Folder, ks *keystore.Keystore, code string) *Session {
	locks := q.locks
	location := []string{ks.Name, a.Globals.FileDir, a.Globals.passDir, a.Globals.passPrefix, a.Globals.keychain, a.Globals.collection}
	if ks.Name == keystore.SealedBackend {
		location = append(location, a.Globals.sealedDir)
	}
	keystoreDir := state.Folder("keystore").Folder(Digest(location...))
	index := &store.Index{Dir: keystoreDir, Locks: locks}
	var pending *store.Pending
	sessions := ks.Private
	if state == nil {
		sessions = a.MemoryRing()
	}
	tokens := store.StampedRing(sessions)
	if state != nil && !ks.Local {
		pending = &store.Pending{Ring: ks.Private, Dir: keystoreDir.Folder("pending"), Index: index, Now: a.Env.Now}
		tokens = pending
	}
	touch := vault.TouchRule{Config: config, Inputs: in, CanTouch: ks.Touch}
	cancelled := func(err error) bool { return errors.Is(err, prompt.ErrCancelled) }
	tell := func(m string) { a.Note("%s", m) }
	clock := &awsapi.Clock{Local: a.Env.Now}
	keys := &store.Keys{Ring: ks.Keys, Dir: keystoreDir.Folder("generations"), NeedsTouch: touch.Key}
	v := &vault.Vault{
		Config: config, Inputs: in, Open: a.Env.OpenFile, Warn: a.Warn, CanTouch: ks.Touch, Keys: keys,
		Sessions: &store.Sessions{
			Ring: sessions, Pending: pending, BeforeCreate: ks.ExpectPut, Locks: locks, Index: index, Now: a.Env.Now, Cancelled: cancelled,
		},
		Source: &source.Deps{
			AWS: &awsapi.Client{
				Clock: clock, Timeout: a.Globals.timeout, Sleep: Sleep, Log: a.Log, Notify: tell,
				Network: &awsapi.Network{Proxy: http.ProxyFromEnvironment, Open: a.Env.OpenFile, Bundles: caBundles(a)},
			},
			Key: keys.Key, Static: func(name string) (aws.Credentials, error) { return vault.StaticKey(config, in, name) },
			Getenv: a.Env.Getenv, Open: a.Env.OpenFile, Log: a.Log, Sleep: Sleep,
			Notify: tell, Exchanges: a.Trades, CatchSignals: a.Env.CatchSignals, NotifyDelay: func(m string) { noteDelay(a, m) },
			Codes: &store.Codes{Dir: state.Folder("codes"), Locks: locks},
			Ask:   q.codePrompt(code), Confirm: q.confirmSignIn, Run: func(ctx context.Context, c source.Command) ([]byte, error) { return runShell(ctx, a, c) }, Environ: func() []string { return programEnvironment(a) }, Callers: a.Env.callers(),
			Card: q.useCardKey, RepeatsCode: func(q source.Question) bool { return code == "" && deviceAnswers(a, q) },
			Tokens: &store.Tokens{Ring: tokens, Locks: locks, Index: index, Now: a.Env.Now, Cancelled: cancelled, NeedsTouch: touch.Tokens(tokenNames)},
			Cache:  ssoCache(a, state), Logins: a.Env.loginCache(), User: a.Env.Person(SignInFlags{}),
			Identities: &identitykeys.Identities{Dir: identityDir(state), Ring: ks.Private, Locks: locks, Now: clock.Now},
		},
	}
	return &Session{v, locks, ks, state}
}

// noteDelay tells the user what we still wait for after they have asked us to end. It writes to a
// terminal only: a program that reads our stderr may be gone, and to write to it would end us.
func noteDelay(a *App, message string) {
	if a.Env.StderrTerminal {
		a.Note("%s", message)
	}
}

func Digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// runShell runs what a profile names. What it is told of its caller is the profile, so
// that it cannot lead back there.
func runShell(ctx context.Context, a *App, c source.Command) ([]byte, error) {
	a.Env.CatchSignals()
	environ := append(a.Env.Environ(), envvar.Callers+"="+strings.Join(append(a.Env.callers(), c.Profile), "\n"))
	return a.Env.Shell(ctx, c.Line, environ, c.Max)
}

func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
