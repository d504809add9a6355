package app

import (
	"context"
	"errors"
	"fmt"

	"filippo.io/age/plugin"

	"aws-vault/cli/envvar"
	"aws-vault/prompt"
	"aws-vault/vault/card/piv"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/sealed"
	"aws-vault/vault/store"
)

// unlockOptions returns the functions that unlock the sealed keystore with prompts, security keys and age plugins.
func (q Asker) unlockOptions() sealed.UnlockOptions {
	return sealed.UnlockOptions{
		PassphraseFirst: GivenSealedPassphrase(q.app) != "",
		Card:            q.openerKey,
		Passphrase:      q.sealedPassphrase,
		Words: func(ctx context.Context, name string) (string, error) {
			return q.Ask(ctx, prompt.Request{Kind: prompt.Line, Text: "Recovery words of " + name})
		},
		Plugin: q.pluginUI,
		LockPlugins: func(ctx context.Context, dir string) (context.Context, func(), error) {
			return lockFunc(q.locks)(ctx, "plugin-"+Digest(dir), "an age plugin to open "+q.app.Env.Tilde(dir))
		},
	}
}

// GivenSealedPassphrase returns the value of the variable [envvar.SealedPassphrase], or an empty string if the
// variable is not set.
func GivenSealedPassphrase(a *App) string {
	p, _ := a.Env.Getenv(envvar.SealedPassphrase)
	return p
}

// OpenersWithoutPrompt returns options that unlock the sealed keystore only with a passphrase in the environment.
func (a *App) OpenersWithoutPrompt(o sealed.UnlockOptions) sealed.UnlockOptions {
	if GivenSealedPassphrase(a) == "" {
		return sealed.UnlockOptions{}
	}
	return sealed.UnlockOptions{Passphrase: o.Passphrase}
}

var errNotAnswered = errors.New("the plugin's question was not answered")

// pluginUI returns the user interface for age plugins. It prints a plugin's messages as notes, and prompts for the
// answers to the plugin's questions. When ctx ends, a prompt ends too, and the plugin gets no answer.
func (q Asker) pluginUI(ctx context.Context) *plugin.ClientUI {
	return &plugin.ClientUI{
		DisplayMessage: func(name, message string) error {
			q.noteAction(ctx, name+": "+message)
			return nil
		},
		RequestValue: func(name, text string, secret bool) (string, error) {
			r := prompt.Request{Kind: prompt.Line, Text: name + ": " + text}
			if secret {
				r.Kind = prompt.Passphrase
			}
			return q.Ask(ctx, r)
		},
		Confirm: func(name, text, yes, no string) (bool, error) {
			if no == "" {
				q.noteAction(ctx, fmt.Sprintf("%s: %s (%s)", name, text, yes))
				return true, nil
			}
			answer, err := q.Ask(ctx, prompt.Request{Kind: prompt.Confirm, Text: fmt.Sprintf("%s: %s (yes: %s, no: %s)", name, text, yes, no)})
			if err != nil {
				return false, errNotAnswered
			}
			return answer != "", nil
		},
		WaitTimer: func(name string) {
			q.noteAction(ctx, "waiting for the age plugin "+name+"; if its security key blinks, touch it")
		},
	}
}

// A SealedStore contains the sealed keystore, and the configuration, locks and state folder for commands that
// manage it.
type SealedStore struct {
	*sealed.Store
	Config  sealed.Config
	Options sealed.UnlockOptions
	Locks   *store.Locks
	State   *disk.Folder
}

// SealedConfig returns the configuration of the sealed keystore. It does not open the keystore, which may not exist. If
// the parameter opener is not empty, only the opener with that name can unlock the keystore.
func SealedConfig(a *App, what, opener string) (SealedStore, error) {
	locks, state, err := a.Locks(what)
	if err != nil {
		return SealedStore{}, err
	}
	c := a.KeystoreConfig(a.Asker(locks), state)
	c.Openers.Only = opener
	a.KeystoreName = keystore.SealedBackend
	config, err := c.Sealed()
	return SealedStore{Config: config, Options: c.Openers, Locks: locks, State: state}, err
}

// OpenSealedStore opens the sealed keystore but does not unlock it, so there is no prompt. The parameters have the same
// meaning as in [SealedConfig].
func OpenSealedStore(a *App, what, opener string) (SealedStore, error) {
	s, err := SealedConfig(a, what, opener)
	if err == nil {
		s.Store, err = sealed.Open(s.Config)
	}
	return s, err
}

// Has reports whether the keystore has an opener with this name.
func (s SealedStore) Has(name string) bool {
	for _, o := range s.Header().Openers {
		if o.Name == name {
			return true
		}
	}
	return false
}

// openerKey finds the private key of an opener on a security key, without a prompt. If the security key is not
// available, the error wraps sealed.ErrAbsent.
func (q Asker) openerKey(ctx context.Context, o sealed.Opener) (sealed.Exchanger, func(), error) {
	slot, err := piv.ParseSlot(o.Slot)
	if err != nil {
		return nil, nil, err
	}
	key, _, err := q.Cards().Key(ctx, piv.Location{Serial: o.Card, Slot: slot})
	switch {
	case err == nil:
		return key, func() {}, nil
	case errors.Is(err, piv.ErrNoCard), errors.Is(err, piv.ErrUnsupported), errors.Is(err, piv.ErrNoService):
		return nil, nil, fmt.Errorf("%w: %w", sealed.ErrAbsent, err)
	}
	return nil, nil, err
}
