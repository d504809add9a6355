package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault"
	"aws-vault/vault/keystore"
	"aws-vault/vault/store"
)

type migrateFlags struct {
	from, to, profile         string
	dryRun, overwrite, delete bool
}

func migrateCommand(k *kingpin.Application, a *app) {
	var f migrateFlags
	c := k.Command("migrate-backend", "Copy stored keys from one keystore to another.")
	c.Flag("from", "The keystore that holds the keys.").Required().PlaceHolder("NAME").EnumVar(&f.from, keystore.Backends()...)
	c.Flag("to", "The keystore that is to hold them.").Required().PlaceHolder("NAME").EnumVar(&f.to, keystore.Backends()...)
	c.Flag("profile", "Copy the key of this profile only.").PlaceHolder("PROFILE").StringVar(&f.profile)
	c.Flag("dry-run", "Say what would be done, and do nothing.").BoolVar(&f.dryRun)
	c.Flag("overwrite", "Replace another key that is there under the same name.").BoolVar(&f.overwrite)
	c.Flag("delete-source", "Delete each key from where it was, once its copy was read back.").BoolVar(&f.delete)
	a.action(c, verb{does: "moves long-lived keys", run: func(ctx context.Context) error { return a.migrate(ctx, f) }})
}

func (a *app) migrate(ctx context.Context, f migrateFlags) error {
	if f.from == f.to {
		return &usageError{"--from and --to name the same keystore, want two"}
	}
	from, err := a.openBackend(ctx, f.from)
	if err != nil {
		return err
	}
	to, err := a.openBackend(ctx, f.to)
	if err != nil {
		return err
	}
	ctx, lock, err := from.locks.Alone(ctx, "migrate", "the keys of another keystore")
	if err != nil {
		return err
	}
	defer lock.Close()
	names, err := from.keysToMove(ctx, f)
	if err != nil {
		return err
	}
	identities, err := from.identitiesToMove(ctx, f)
	switch {
	case err != nil:
		return err
	case len(names)+len(identities) == 0:
		a.print("No keys are stored in keystore %s.\n", f.from)
		return nil
	}
	if err := from.noRotation(ctx, names, f.from); err != nil {
		return err
	}
	if f.dryRun {
		return a.wouldMigrate(ctx, to, f, names, identities)
	}
	return a.moveAll(ctx, from, to, f, names, identities)
}

// A rotatingError is a key whose rotation is on its way: the journal that can finish it lies
// beside the key, and would stay behind.
type rotatingError struct{ name, backend string }

func (e *rotatingError) Error() string {
	return fmt.Sprintf("the rotation of key %q in keystore %s was interrupted, want it finished first", e.name, e.backend)
}

func (e *rotatingError) Remedy() string {
	return fmt.Sprintf("aws-vault rotate --backend=%s --resume %s", e.backend, quoteWord(e.name))
}

func (s *session) noRotation(ctx context.Context, names []string, backend string) error {
	j := store.Journals{Ring: s.keystore.Private}
	open, err := j.Interrupted(ctx, names)
	if err == nil && len(open) > 0 {
		err = &rotatingError{open[0], backend}
	}
	return err
}

// openBackend is open with another keystore than the flags name.
func (a *app) openBackend(ctx context.Context, backend string) (*session, error) {
	other := *a
	other.globals.backend = backend
	return other.open(ctx, "migrate-backend", nil, "")
}

func (s *session) keysToMove(ctx context.Context, f migrateFlags) ([]string, error) {
	names, err := s.Keys.Names(ctx)
	if err != nil || f.profile == "" {
		return names, err
	}
	if !slices.Contains(names, f.profile) {
		return nil, fmt.Errorf("%q in keystore %s: %w", f.profile, f.from, store.ErrNoKey)
	}
	return []string{f.profile}, nil
}

// identitiesToMove are the keys of identities that nothing else holds. Sessions and tokens
// stay: they are made anew. An identity is no profile's, so --profile leaves them.
func (s *session) identitiesToMove(ctx context.Context, f migrateFlags) ([]string, error) {
	if f.profile != "" {
		return nil, nil
	}
	ids, err := s.identities().InSoftware()
	if err != nil {
		return nil, err
	}
	return s.identities().Held(ctx, ids)
}

func (a *app) wouldMigrate(ctx context.Context, to *session, f migrateFlags, names, identities []string) error {
	there, err := to.Keys.Names(ctx)
	if err != nil {
		return err
	}
	a.print("Would migrate %s from %s to %s:\n", count(len(names)+len(identities), "key"), f.from, f.to)
	for _, name := range names {
		remark := ""
		switch {
		case !slices.Contains(there, name):
		case f.overwrite:
			remark = " (replaces the key that is there)"
		default:
			remark = " (a key is there, and stays)"
		}
		a.print("  %s%s\n", name, remark)
	}
	for _, id := range identities {
		a.print("  identity key %s\n", id)
	}
	a.print("\nNo changes made.\n")
	return nil
}

// said is what a user reads of an outcome.
func said(o vault.Outcome) string {
	switch o {
	case vault.Copied:
		return "copied, verified"
	case vault.Overwritten:
		return "overwritten, verified"
	case vault.AlreadyThere:
		return "skipped, is there already"
	case vault.LeftAlone:
		return "skipped, another key is there"
	}
	return ""
}

// tallied is what a user reads of all outcomes.
var tallied = []struct {
	outcomes []vault.Outcome
	text     string
}{
	{[]vault.Outcome{vault.Copied}, "copied"},
	{[]vault.Outcome{vault.Overwritten}, "overwritten"},
	{[]vault.Outcome{vault.AlreadyThere, vault.LeftAlone}, "skipped"},
}

// moveAll stops at the first key that cannot be moved: what is wrong with one keystore
// is wrong for all of its keys.
func (a *app) moveAll(ctx context.Context, from, to *session, f migrateFlags, names, identities []string) error {
	if err := to.keystore.Keys.Check(ctx); err != nil {
		return err
	}
	m := vault.Migration{From: from.Keys, To: to.Keys, Overwrite: f.overwrite, Delete: f.delete}
	done, deleted := map[vault.Outcome]int{}, 0
	for _, name := range names {
		a.print("Migrating %s... ", name)
		moved, err := m.Move(ctx, name)
		if err != nil {
			a.print("failed\n")
			return err
		}
		a.print("%s", said(moved.Outcome))
		if moved.Deleted {
			deleted++
			a.print(", deleted from %s", f.from)
		}
		a.print("\n")
		done[moved.Outcome]++
		if moved.Outcome == vault.Copied || moved.Outcome == vault.Overwritten {
			a.settle(to.remember())
		}
		if moved.Deleted {
			_, err := from.forget(ctx, name)
			a.settle(err)
		}
	}
	for _, id := range identities {
		a.print("Migrating identity key %s... ", id)
		there, err := from.identities().MoveSecret(ctx, to.identities(), id, f.delete)
		if err != nil {
			a.print("failed\n")
			return err
		}
		outcome := vault.Copied
		if there {
			outcome = vault.AlreadyThere
		}
		a.print("%s", said(outcome))
		if f.delete {
			deleted++
			a.print(", deleted from %s", f.from)
		}
		a.print("\n")
		done[outcome]++
	}
	a.summary(f, done, deleted)
	return nil
}

// settle is for what may go wrong once the key is safe.
func (a *app) settle(err error) {
	if err != nil {
		a.warn(err)
	}
}

func (a *app) summary(f migrateFlags, done map[vault.Outcome]int, deleted int) {
	a.print("\nMigration summary:\n")
	for _, row := range tallied {
		n := 0
		for _, o := range row.outcomes {
			n += done[o]
		}
		a.print("  %s: %d\n", row.text, n)
	}
	a.print("  deleted from %s: %d\n", f.from, deleted)
}
