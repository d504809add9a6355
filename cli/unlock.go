package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/keystore"
	"aws-vault/vault/waiting"
)

func unlockCommand(k *kingpin.Application, a *app) {
	var last time.Duration
	var readBack string
	c := k.Command("unlock", "Unlock the sealed keystore for a while. Until then every process of yours can read it.")
	c.Flag("for", "How long.").PlaceHolder("TIME").Default("8h").SetValue(durationFlag{&last, "--for"})
	c.Flag("read-back", "Say whether a key waits.").Hidden().StringVar(&readBack)
	a.bindOpener(c)
	a.action(c, verb{does: "opens the keystore to every process", run: func(ctx context.Context) error {
		s, err := a.sealedStore("unlock")
		if err != nil {
			return err
		}
		if readBack != "" {
			return a.readBack(s, readBack)
		}
		return a.unlock(ctx, s, last)
	}})
}

// readBack is what a fresh process does to see whether the key has lasted.
func (a *app) readBack(s sealedStore, id string) error {
	k, err := waiting.Find(keystore.WaitingName(s.Header().Store), a.env.Now())
	if err == nil && k.ID != id {
		err = waiting.ErrNone
	}
	if err != nil {
		return statusError(statusFailed)
	}
	return nil
}

// A notLastingError is a key that was gone as soon as it was kept.
type notLastingError struct{ err error }

func (e *notLastingError) Error() string {
	return fmt.Sprintf("another process does not find the key that was to wait: %v", e.err)
}

func (e *notLastingError) Unwrap() error { return e.err }

func (*notLastingError) Remedy() string {
	return "the store opens without that, each command for itself"
}

func (a *app) unlock(ctx context.Context, s sealedStore, last time.Duration) error {
	master, err := s.Unlock(ctx)
	if err != nil {
		return err
	}
	h, now := s.Header(), a.env.Now()
	name, until := keystore.WaitingName(h.Store), now.Add(last)
	if err := waiting.Keep(name, waiting.Key{ID: h.Key, Secret: master, Until: until}, now); err != nil {
		return err
	}
	if err := a.env.Again(ctx, "unlock", "--read-back="+h.Key); err != nil {
		return errors.Join(&notLastingError{err}, waiting.Drop(name))
	}
	a.print("Unlocked %s until %s. Every program that you run until then can read it; aws-vault lock ends that.\n",
		a.tilde(s.config.Dir), until.Local().Format(time.DateTime))
	return nil
}

func lockCommand(k *kingpin.Application, a *app) {
	c := k.Command("lock", "Lock the sealed keystore.")
	a.action(c, verb{agents: true, run: func(context.Context) error {
		s, err := a.sealedStore("lock")
		if err != nil {
			return err
		}
		if err := waiting.Drop(keystore.WaitingName(s.Header().Store)); err != nil {
			return err
		}
		a.print("Locked %s.\n", a.tilde(s.config.Dir))
		return nil
	}})
}
