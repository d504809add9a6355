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

// programEnvironment returns the environment variables that can change the output of a credential_process. A hash of
// these variables is part of the cache key, so secret variables that unlock a keystore are omitted.
func programEnvironment(a *App) []string {
	return envvar.Drop(slices.Clone(a.Env.Environ()), envvar.Incidental, envvar.Unlocking)
}

// ExecNeed returns the minimum remaining validity of credentials that a command receives in its environment. The
// command cannot renew these credentials.
func ExecNeed(pl plan.Plan) time.Duration {
	if pl.MinTTL != nil {
		return *pl.MinTTL
	}
	return 5 * time.Minute
}

// A Session is the opened vault with its locks, keystore and state folder. State is nil if there is no state
// folder.
type Session struct {
	*vault.Vault
	Locks    *store.Locks
	Keystore *keystore.Keystore
	State    *disk.Folder
}

// Open reads the config files and opens the keystore for a command. The parameter what describes the command.
// Other processes print this description while they wait for this process.
func (a *App) Open(ctx context.Context, what string) (*Session, error) {
	config, in, err := a.ReadConfig(nil)
	if err != nil {
		return nil, err
	}
	return a.openWith(ctx, what, config, in, askOptions{})
}

// OpenWithoutUnlocking is like [App.Open], but does not prompt to unlock the sealed keystore. If the keystore is
// locked, reading it fails with a [*keystore.LockedError].
func (a *App) OpenWithoutUnlocking(ctx context.Context, what string) (*Session, error) {
	config, in, err := a.Env.ReadConfig(nil)
	if err != nil {
		return nil, err
	}
	return a.openWith(ctx, what, config, in, askOptions{stayLocked: true})
}

// askOptions contains options for the prompts of a session. The field forProgram has the same meaning as in
// [Asker]. The field code is the MFA code of --mfa-token, or an empty string. The field stayLocked means that there is
// no prompt to unlock the sealed keystore.
type askOptions struct {
	forProgram bool
	code       string
	stayLocked bool
}

func (a *App) openWith(ctx context.Context, what string, config *profile.File, in profile.Inputs, how askOptions) (*Session, error) {
	locks, state, err := a.Locks(what)
	if err != nil {
		return nil, err
	}
	q := Asker{app: a, locks: locks, forProgram: how.forProgram}
	c := a.KeystoreConfig(q, state)
	if how.stayLocked {
		c.Openers = a.OpenersWithoutPrompt(c.Openers)
	}
	ks, err := a.Env.OpenKeystore(ctx, c)
	if err != nil {
		return nil, err
	}
	a.KeystoreName = ks.Name
	return a.assemble(config, in, q, state, ks, how.code), nil
}

// Assemble returns a Session for config files and a keystore that are already open.
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

// noteDelay prints what the program still waits for after Ctrl-C. It prints only if stderr is a terminal: if stderr is
// a pipe that no process reads any more, writing to it would end this process.
func noteDelay(a *App, message string) {
	if a.Env.StderrTerminal {
		a.Note("%s", message)
	}
}

// Digest returns the first 8 bytes of the SHA-256 hash of the parts, in hexadecimal. Callers use the result in
// file names.
func Digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// runShell runs the command of a profile. It passes the profile's name to the command in an environment variable. If
// the command runs aws-vault for the same profile again, aws-vault detects the loop with this variable.
//
// A credential_process inherits the complete environment of aws-vault, because it may read credentials from there, as
// it may under the AWS CLI. Other commands only provide a code or a token, and inherit no secrets.
func runShell(ctx context.Context, a *App, c source.Command) ([]byte, error) {
	a.Env.CatchSignals()
	environ := slices.Clone(a.Env.Environ())
	if !c.Secrets {
		environ = envvar.WithoutSecrets(environ)
	}
	environ = append(environ, envvar.Callers+"="+strings.Join(append(a.Env.callers(), c.Profile), "\n"))
	return a.Env.Shell(ctx, c.Line, environ, c.Max)
}

// Sleep waits for d, or returns the cause of ctx if ctx ends first.
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
