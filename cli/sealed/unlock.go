package sealed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/unlocked"
)

func UnlockCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var opener string
	var duration time.Duration
	var readBack string
	c := k.Command("unlock", "Unlock the sealed keystore for a limited time. While it is unlocked, every process that you run can read it.").HelpLong(app.Examples(
		"Unlock the keystore for 8 h.", "aws-vault unlock",
		"Unlock it for 30 min.", "aws-vault unlock --for 30m"))
	c.Flag("for", "How long the keystore stays unlocked.").PlaceHolder("TIME").Default("8h").SetValue(app.DurationFlag{Into: &duration, Name: "--for"})
	c.Flag("read-back", "Check that the unlocked key is available.").Hidden().StringVar(&readBack)
	bindOpener(c, &opener)
	return []app.Verb{{Command: c, Effect: "opens the keystore to every process", Run: func(ctx context.Context) error {
		s, err := app.OpenSealedStore(a, "unlock", opener)
		if err != nil {
			return err
		}
		if readBack != "" {
			return verifyUnlockedKey(a, s, readBack)
		}
		return unlock(ctx, a, s, duration)
	}}}
}

// verifyUnlockedKey checks that this process can read the unlocked key that another process has stored. The command
// unlock stores the key, and then starts a new process that calls verifyUnlockedKey.
func verifyUnlockedKey(a *app.App, s app.SealedStore, id string) error {
	k, err := unlocked.Get(keystore.UnlockedKeyName(s.Header().Store), a.Env.Now())
	if err == nil && k.ID != id {
		err = unlocked.ErrNotFound
	}
	if err != nil {
		return app.StatusError(app.StatusFailed)
	}
	return nil
}

// A keyLostError reports that a new process cannot find the unlocked key that was just stored.
type keyLostError struct{ err error }

func (e *keyLostError) Error() string {
	return fmt.Sprintf("the unlocked key cannot be shared with other processes: %v", e.err)
}

func (e *keyLostError) Unwrap() error { return e.err }

func (*keyLostError) Remedy() string {
	return "the keystore still works without unlock; each command opens it separately"
}

func unlock(ctx context.Context, a *app.App, s app.SealedStore, duration time.Duration) error {
	master, err := s.Unlock(ctx)
	if err != nil {
		return err
	}
	h, now := s.Header(), a.Env.Now()
	name, until := keystore.UnlockedKeyName(h.Store), now.Add(duration)
	if err := unlocked.Put(name, unlocked.Key{ID: h.Key, Secret: master, Until: until}, now); err != nil {
		return err
	}
	if err := a.Env.RunSelf(ctx, "unlock", "--read-back="+h.Key); err != nil {
		return errors.Join(&keyLostError{err}, unlocked.Remove(name))
	}
	a.Print("Unlocked %s until %s. Until then, every program you run can read it. To lock it: aws-vault lock\n",
		a.Env.Tilde(s.Config.Dir), until.Local().Format(time.DateTime))
	return nil
}

func LockCommand(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("lock", "Lock the sealed keystore.").HelpLong(app.Examples(
		"Lock the keystore.", "aws-vault lock",
		"Lock a keystore in another directory.", "aws-vault lock --sealed-dir ~/work/keystore"))
	return []app.Verb{{Command: c, Agents: true, Run: func(context.Context) error {
		s, err := app.OpenSealedStore(a, "lock", "")
		if err != nil {
			return err
		}
		if err := unlocked.Remove(keystore.UnlockedKeyName(s.Header().Store)); err != nil {
			return err
		}
		a.Print("Locked %s.\n", a.Env.Tilde(s.Config.Dir))
		return nil
	}}}
}
