package cli

import (
	"context"
	"errors"
	"fmt"

	"filippo.io/age/plugin"

	"aws-vault/prompt"
	"aws-vault/vault/sealed"
	"aws-vault/vault/store"
)

// sealedVariable holds the passphrase of the sealed keystore, for those who cannot be asked.
const sealedVariable = "AWS_VAULT_SEALED_PASSPHRASE"

// hands are how the openers of the sealed keystore are reached from here.
func (a *app) hands(locks *store.Locks) sealed.Hands {
	return sealed.Hands{
		Only:       a.opener,
		Answered:   a.sealedAnswer() != "",
		Card:       a.openerKey(locks),
		Passphrase: a.askSealed(locks),
		Words: func(ctx context.Context, name string) (string, error) {
			return a.ask(ctx, locks, prompt.Request{Kind: prompt.Line, Text: "Recovery words of " + name})
		},
		Plugin: a.pluginUI(locks),
		Alone: func(ctx context.Context, dir string) (context.Context, func(), error) {
			return alone(locks)(ctx, "plugin-"+digest(dir), "an age plugin to open "+a.tilde(dir))
		},
	}
}

// sealedAnswer is the passphrase that the environment gives; empty for none.
func (a *app) sealedAnswer() string {
	p, _ := a.env.Getenv(sealedVariable)
	return p
}

// askSealed answers from the environment, or asks.
func (a *app) askSealed(locks *store.Locks) func(context.Context, sealed.PassphraseAsk) (string, error) {
	return func(ctx context.Context, ask sealed.PassphraseAsk) (string, error) {
		dir := a.tilde(ask.Dir)
		if p := a.sealedAnswer(); p != "" {
			if ask.Wrong > 0 {
				return "", fmt.Errorf("%w for %s (%s)", sealed.ErrWrongPassphrase, dir, sealedVariable)
			}
			if ask.New {
				return a.givenPassphrase(p), nil
			}
			return p, nil
		}
		r := prompt.Request{Kind: prompt.Passphrase, New: ask.New, Text: "Passphrase to unlock " + dir}
		if ask.New {
			r.Text = "New passphrase for " + dir
		}
		if ask.Wrong > 0 {
			r.Again = "That passphrase is wrong"
		}
		ctx, lock, err := locks.Alone(ctx, "unlock", "the passphrase of "+dir)
		if err != nil {
			return "", err
		}
		defer lock.Close()
		if ask.New {
			return a.choosePassphrase(ctx, locks, r)
		}
		return a.ask(ctx, locks, r)
	}
}

var errNotAnswered = errors.New("it was not answered")

// pluginUI is how age's plugins speak to our user.
func (a *app) pluginUI(locks *store.Locks) sealed.PluginUI {
	return func(ctx context.Context) *plugin.ClientUI { return a.clientUI(ctx, locks) }
}

func (a *app) clientUI(ctx context.Context, locks *store.Locks) *plugin.ClientUI {
	ctx = context.WithoutCancel(ctx) // a plugin is not told that we gave up: its pipe is closed
	return &plugin.ClientUI{
		DisplayMessage: func(name, message string) error {
			a.note("%s: %s", name, message)
			return nil
		},
		RequestValue: func(name, text string, secret bool) (string, error) {
			r := prompt.Request{Kind: prompt.Line, Text: name + ": " + text}
			if secret {
				r.Kind = prompt.Passphrase
			}
			return a.ask(ctx, locks, r)
		},
		Confirm: func(name, text, yes, no string) (bool, error) {
			if no == "" {
				a.note("%s: %s (%s)", name, text, yes)
				return true, nil
			}
			answer, err := a.ask(ctx, locks, prompt.Request{Kind: prompt.Confirm, Text: fmt.Sprintf("%s: %s (yes: %s, no: %s)", name, text, yes, no)})
			if err != nil {
				return false, errNotAnswered
			}
			return answer != "", nil
		},
		WaitTimer: func(name string) { a.note("waiting for the plugin %s: touch its key if it has one", name) },
	}
}
