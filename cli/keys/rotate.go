package keys

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/prompt"
	"aws-vault/vault/audit"
	"aws-vault/vault/plan"
	"aws-vault/vault/rotation"
	"aws-vault/vault/store"
)

type rotateFlags struct {
	app.CredentialFlags
	resume, undo, dryRun, keepOld bool
}

func RotateCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f rotateFlags
	c := k.Command("rotate", "Replace the stored access key of a profile with a new one.").HelpLong(app.Examples(
		"Rotate the key of the profile work.", "aws-vault rotate work",
		"Finish an interrupted rotation of this key.", "aws-vault rotate --resume work"))
	c.Arg("profile", "Profile to use.").Envar("AWS_PROFILE").StringVar(&f.Profile)
	c.Flag("no-session", "Call IAM with the stored key itself, without an MFA code.").Short('n').BoolVar(&f.NoSession)
	c.Flag("mfa-token", "MFA code, if you do not want to be prompted for it.").Short('t').PlaceHolder("CODE").StringVar(&f.Code)
	c.Flag("keep-old", "Deactivate the old key at AWS instead of deleting it.").BoolVar(&f.keepOld)
	c.Flag("resume", "Finish an interrupted rotation.").BoolVar(&f.resume)
	c.Flag("undo", "Restore the old key after an interrupted rotation.").BoolVar(&f.undo)
	c.Flag("dry-run", "Show what would be done, and change nothing.").BoolVar(&f.dryRun)
	return []app.Verb{{Command: c, Effect: "replaces a long-lived key", Run: func(ctx context.Context) error { return rotate(ctx, a, f) }}}
}

func rotate(ctx context.Context, a *app.App, f rotateFlags) error {
	if f.resume && f.undo {
		return &app.UsageError{Text: "--resume and --undo cannot be used together"}
	}
	t, err := a.Begin(ctx, app.Request{Verb: "rotate", Flags: &f.CredentialFlags, For: plan.Rotate})
	if err != nil {
		return err
	}
	s := t.Session
	journals := &store.Journals{Ring: s.Keystore.Private, NeedsTouch: s.Keys.NeedsTouch}
	if (f.undo || f.resume) && !f.dryRun {
		if err := restoreKey(ctx, a, s, journals, t.Profile, f.undo); err != nil {
			return err
		}
	}
	if t.Plan, err = s.Plan(ctx, t.Profile, t.Options); err != nil {
		return err
	}
	r := &rotation.Rotation{
		Vault: s.Vault, Journals: journals, Locks: s.Locks,
		Plan: t.Plan, Options: t.Options, KeepOld: f.keepOld, Progress: func(m string) { a.Print("%s\n", m) },
	}
	if a.Env.HasTerminal() {
		r.ConfirmDelete = func(ctx context.Context, q *rotation.QuotaError, k rotation.KeyUse) (bool, error) {
			return confirmDelete(ctx, a, s, q, k)
		}
	}
	if f.dryRun {
		return previewRotation(ctx, a, r, f)
	}
	auditor, err := t.Auditor("")
	if err != nil {
		return err
	}
	if err := auditor.Record(func(*audit.Entry) {}); err != nil {
		return err
	}
	switch {
	case f.undo:
		return r.Undo(ctx)
	case f.resume:
		return r.Resume(ctx)
	}
	return r.Run(ctx)
}

// restoreKey stores the key of an unfinished rotation again if the key was removed. If the record of the rotation is
// damaged and the parameter undo is true, restoreKey deletes the record.
func restoreKey(ctx context.Context, a *app.App, s *app.Session, journals *store.Journals, name string, undo bool) error {
	err := rotation.RestoreKey(ctx, s.Keys, journals, name)
	var damaged *store.JournalError
	if !undo || !errors.As(err, &damaged) {
		return err
	}
	a.Print("Discarding the record of an interrupted rotation: %v\n", err)
	return journals.Remove(ctx, name)
}

// confirmDelete asks the user to type the name of the IAM user, because an access key is about to be deleted
// permanently.
func confirmDelete(ctx context.Context, a *app.App, s *app.Session, q *rotation.QuotaError, k rotation.KeyUse) (bool, error) {
	a.Note("user %s has %d access keys, which is the maximum:", q.User, len(q.Keys))
	for _, key := range q.Keys {
		fmt.Fprintf(a.Env.Stderr, "  %s\n", describe(key, q.Now))
	}
	answer, err := a.Ask(ctx, s.Locks, prompt.Request{
		Kind: prompt.Line, Profile: q.Name, Text: fmt.Sprintf("To delete access key %s permanently, type the name of the IAM user", rotation.Mask(k.ID)),
	})
	return strings.TrimSpace(answer) == q.User, err
}

// describe formats an access key together with its age in days.
func describe(k rotation.KeyUse, now time.Time) string {
	return fmt.Sprintf("%s, %s old", k, ui.Count(int(now.Sub(k.Created)/(24*time.Hour)), "day"))
}

func previewRotation(ctx context.Context, a *app.App, r *rotation.Rotation, f rotateFlags) error {
	p, err := r.Preview(ctx)
	if err != nil {
		return err
	}
	if p.Listed {
		a.Print("IAM user %s, whose access key is stored for profile '%s', has %s:\n", p.User, p.Name, ui.Count(len(p.Keys), "access key"))
	} else {
		a.Print("IAM user %s, whose access key is stored for profile '%s', has no permission to list its access keys.\n", p.User, p.Name)
	}
	for _, k := range p.Keys {
		a.Print("  %s\n", k)
	}
	if p.Interrupted != nil {
		a.Print("%s\n", interruptedText(p.Interrupted, f))
		if p.Interrupted.New.AccessKeyID != "" || f.undo {
			return nil
		}
	}
	switch {
	case f.resume || f.undo:
		return &rotation.NoJournalError{Name: p.Name}
	case !p.HasRoom:
		a.Print("The user has the maximum number of access keys. The other key, which aws-vault does not store, would be deleted first, after a prompt.\n")
		return nil
	}
	old := "deleted"
	if f.keepOld {
		old = "left inactive"
	}
	a.Print("A new key would be created, tested and stored. The old key would be deactivated and then %s.\n", old)
	return nil
}

// interruptedText describes what rotate would do with an interrupted rotation.
func interruptedText(j *store.Rotation, f rotateFlags) string {
	switch {
	case j.New.AccessKeyID == "":
		return "A rotation was interrupted before the new key was received. If AWS created a key, it would be deleted."
	case f.undo || j.Undo:
		return fmt.Sprintf("A rotation was interrupted. The old key %s would be restored, and the new key %s deleted.", rotation.Mask(j.Old.AccessKeyID), rotation.Mask(j.New.AccessKeyID))
	}
	return fmt.Sprintf("A rotation was interrupted. The new key %s would replace the old key %s.", rotation.Mask(j.New.AccessKeyID), rotation.Mask(j.Old.AccessKeyID))
}
