package keys

import (
	"context"
	"fmt"
	"slices"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
	"aws-vault/vault/store"
	"aws-vault/vault/transfer"
)

type migrateFlags struct {
	from, to, profile         string
	dryRun, overwrite, delete bool
}

func MigrateCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f migrateFlags
	c := k.Command("migrate-backend", "Copy stored keys from one keystore to another.").HelpLong(app.Examples(
		"Show what would be copied.", "aws-vault migrate-backend --from file --to sealed --dry-run",
		"Move the key of one profile.", "aws-vault migrate-backend --from file --to sealed --profile work --delete-source"))
	c.Flag("from", "Keystore to copy from.").Required().PlaceHolder("NAME").EnumVar(&f.from, keystore.Backends()...)
	c.Flag("to", "Keystore to copy to.").Required().PlaceHolder("NAME").EnumVar(&f.to, keystore.Backends()...)
	c.Flag("profile", "Copy only the key of this profile.").PlaceHolder("PROFILE").StringVar(&f.profile)
	c.Flag("dry-run", "Show what would be done, and change nothing.").BoolVar(&f.dryRun)
	c.Flag("overwrite", "Replace a different key that is stored in the new keystore under the same name.").BoolVar(&f.overwrite)
	c.Flag("delete-source", "Delete each key from the old keystore after its copy was read back.").BoolVar(&f.delete)
	return []app.Verb{{Command: c, Effect: "moves long-lived keys", Run: func(ctx context.Context) error { return migrate(ctx, a, f) }}}
}

func migrate(ctx context.Context, a *app.App, f migrateFlags) error {
	if f.from == f.to {
		return &app.UsageError{Text: "--from and --to are the same keystore, expected different ones"}
	}
	from, err := openBackend(ctx, a, f.from)
	if err != nil {
		return err
	}
	to, err := openBackend(ctx, a, f.to)
	if err != nil {
		return err
	}
	ctx, lock, err := lockKeys(ctx, from, "the migration of another keystore")
	if err != nil {
		return err
	}
	defer lock.Close()
	names, err := keysToMove(ctx, from, f)
	if err != nil {
		return err
	}
	identities, err := identitiesToMove(ctx, from, f)
	switch {
	case err != nil:
		return err
	case len(names)+len(identities) == 0:
		a.Print("No keys are stored in keystore %s.\n", f.from)
		return nil
	}
	if err := checkNoRotation(ctx, from, names, f.from); err != nil {
		return err
	}
	if f.dryRun {
		return previewMigration(ctx, a, to, f, names, identities)
	}
	return moveAll(ctx, a, from, to, f, names, identities)
}

// A rotationPendingError reports that the rotation of a key was interrupted. The key must not be moved, because the
// journal of the rotation would stay in the old keystore.
type rotationPendingError struct{ name, backend string }

func (e *rotationPendingError) Error() string {
	return fmt.Sprintf("the rotation of key %s in keystore %s was interrupted and must be finished first", printable.Quote(e.name), e.backend)
}

func (e *rotationPendingError) Remedy() string {
	return fmt.Sprintf("finish the rotation: aws-vault rotate --backend=%s --resume %s", e.backend, ui.QuoteWord(e.name))
}

func checkNoRotation(ctx context.Context, s *app.Session, names []string, backend string) error {
	j := store.Journals{Ring: s.Keystore.Private}
	open, err := j.Interrupted(ctx, names)
	if err == nil && len(open) > 0 {
		err = &rotationPendingError{open[0], backend}
	}
	return err
}

// openBackend opens the vault with the keystore that the parameter backend names. It ignores --backend.
func openBackend(ctx context.Context, a *app.App, backend string) (*app.Session, error) {
	other := *a
	other.Globals.Backend = backend
	return other.Open(ctx, "migrate-backend")
}

func keysToMove(ctx context.Context, s *app.Session, f migrateFlags) ([]string, error) {
	names, err := s.Keys.Names(ctx)
	if err != nil || f.profile == "" {
		return names, err
	}
	if !slices.Contains(names, f.profile) {
		return nil, fmt.Errorf("%s in keystore %s: %w", printable.Quote(f.profile), f.from, store.ErrNoKey)
	}
	return []string{f.profile}, nil
}

// identitiesToMove returns the IDs of the identity keys in the keystore. With --profile it returns none, because an
// identity key belongs to no profile. Sessions and tokens are not moved, because aws-vault can create them again.
func identitiesToMove(ctx context.Context, s *app.Session, f migrateFlags) ([]string, error) {
	if f.profile != "" {
		return nil, nil
	}
	ids, err := s.Identities().SoftwareKeyIDs()
	if err != nil {
		return nil, err
	}
	return s.Identities().StoredKeyIDs(ctx, ids)
}

func previewMigration(ctx context.Context, a *app.App, to *app.Session, f migrateFlags, names, identities []string) error {
	there, err := to.Keys.Names(ctx)
	if err != nil {
		return err
	}
	a.Print("Would migrate %s from %s to %s:\n", ui.Count(len(names)+len(identities), "key"), f.from, f.to)
	for _, name := range names {
		remark := ""
		switch {
		case !slices.Contains(there, name):
		case f.overwrite:
			remark = " (replaces a different key)"
		default:
			remark = " (skipped if a different key is stored there)"
		}
		a.Print("  %s%s\n", name, remark)
	}
	for _, id := range identities {
		a.Print("  identity key %s\n", id)
	}
	a.Print("\nNo changes made.\n")
	return nil
}

// outcomeText returns the message about the outcome of moving one key.
func outcomeText(o transfer.Outcome) string {
	switch o {
	case transfer.Copied:
		return "copied, verified"
	case transfer.Overwritten:
		return "overwritten, verified"
	case transfer.AlreadyStored:
		return "skipped, already stored"
	case transfer.NotOverwritten:
		return "skipped, a different key is stored"
	}
	return ""
}

// summaryRows lists the lines of the summary.
var summaryRows = []struct {
	outcomes []transfer.Outcome
	text     string
}{
	{[]transfer.Outcome{transfer.Copied}, "copied"},
	{[]transfer.Outcome{transfer.Overwritten}, "overwritten"},
	{[]transfer.Outcome{transfer.AlreadyStored, transfer.NotOverwritten}, "skipped"},
}

// moveAll moves all keys. It stops at the first error, because a keystore that fails for one key usually fails for
// all keys.
func moveAll(ctx context.Context, a *app.App, from, to *app.Session, f migrateFlags, names, identities []string) error {
	if err := to.Keystore.Keys.Check(ctx); err != nil {
		return err
	}
	m := transfer.Migration{From: from.Keys, To: to.Keys, Overwrite: f.overwrite, Delete: f.delete}
	done, deleted := map[transfer.Outcome]int{}, 0
	for _, name := range names {
		a.Print("Migrating %s... ", name)
		moved, err := m.Move(ctx, name)
		if err != nil {
			a.Print("failed\n")
			return err
		}
		a.Print("%s", outcomeText(moved.Outcome))
		if moved.Deleted {
			deleted++
			a.Print(", deleted from %s", f.from)
		}
		a.Print("\n")
		done[moved.Outcome]++
		if moved.Outcome == transfer.Copied || moved.Outcome == transfer.Overwritten {
			warnOnError(a, to.RememberKeystore())
		}
		if moved.Deleted {
			_, err := removeSessions(ctx, from, name)
			warnOnError(a, err)
		}
	}
	for _, id := range identities {
		a.Print("Migrating identity key %s... ", id)
		there, err := from.Identities().MoveSecret(ctx, to.Identities(), id, f.delete)
		if err != nil {
			a.Print("failed\n")
			return err
		}
		outcome := transfer.Copied
		if there {
			outcome = transfer.AlreadyStored
		}
		a.Print("%s", outcomeText(outcome))
		if f.delete {
			deleted++
			a.Print(", deleted from %s", f.from)
		}
		a.Print("\n")
		done[outcome]++
	}
	printSummary(a, f, done, deleted)
	return nil
}

// warnOnError prints err as a warning if err is not nil. It is for errors that occur after a key has been stored, so
// that the command continues.
func warnOnError(a *app.App, err error) {
	if err != nil {
		a.Warn(err)
	}
}

func printSummary(a *app.App, f migrateFlags, done map[transfer.Outcome]int, deleted int) {
	a.Print("\nMigration summary:\n")
	for _, row := range summaryRows {
		n := 0
		for _, o := range row.outcomes {
			n += done[o]
		}
		a.Print("  %s: %d\n", row.text, n)
	}
	a.Print("  deleted from %s: %d\n", f.from, deleted)
}
