package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

type rotateFlags struct {
	credentialFlags
	resume, undo, dryRun, keepOld bool
}

func rotateCommand(k *kingpin.Application, a *app) {
	var f rotateFlags
	c := k.Command("rotate", "Replace the stored key that a profile begins from by a new one.")
	c.Arg("profile", "The profile; AWS_PROFILE if there is none.").Envar("AWS_PROFILE").StringVar(&f.profile)
	c.Flag("no-session", "Call IAM with the stored key itself, without an MFA code.").Short('n').BoolVar(&f.noSession)
	c.Flag("mfa-token", "The MFA code, so that none is asked for.").Short('t').PlaceHolder("CODE").StringVar(&f.code)
	c.Flag("keep-old", "Leave the old key at AWS, inactive.").BoolVar(&f.keepOld)
	c.Flag("resume", "Finish a rotation that was interrupted.").BoolVar(&f.resume)
	c.Flag("undo", "Put the old key back where a rotation was interrupted.").BoolVar(&f.undo)
	c.Flag("dry-run", "Say what would be done, and change nothing.").BoolVar(&f.dryRun)
	a.action(c, verb{does: "replaces a long-lived key", run: func(ctx context.Context) error { return a.rotate(ctx, f) }})
}

func (a *app) rotate(ctx context.Context, f rotateFlags) error {
	if f.resume && f.undo {
		return &usageError{"--resume and --undo say two directions, want one"}
	}
	name, err := a.profileName(&f.credentialFlags)
	if err != nil {
		return err
	}
	s, err := a.open(ctx, "rotate "+name, nil, f.code)
	if err != nil {
		return err
	}
	o := f.options(a)
	o.For = plan.Rotate
	pl, err := s.Plan(ctx, name, o)
	if err != nil {
		return err
	}
	r := &vault.Rotation{
		Vault: s.Vault, Journals: &store.Journals{Ring: s.keystore.Private, Guard: s.Guard}, Locks: s.locks,
		Plan: pl, Options: o, KeepOld: f.keepOld, Say: func(m string) { a.print("%s\n", m) },
	}
	if a.hasTerminal() {
		r.Spare = func(ctx context.Context, q *vault.QuotaError, k vault.KeyUse) (bool, error) {
			return a.spare(ctx, s, q, k)
		}
	}
	switch {
	case f.dryRun:
		return a.previewRotation(ctx, r, f)
	case f.undo:
		return r.Undo(ctx)
	case f.resume:
		return r.Resume(ctx)
	}
	return r.Run(ctx)
}

// hasTerminal reports whether somebody sits at a terminal.
func (a *app) hasTerminal() bool {
	tty, err := a.env.Prompt.OpenTTY()
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// spare asks for the user's name before a key of theirs is deleted for good.
func (a *app) spare(ctx context.Context, s *session, q *vault.QuotaError, k vault.KeyUse) (bool, error) {
	a.note("user %s has %d access keys, and AWS allows no more:", q.User, len(q.Keys))
	for _, key := range q.Keys {
		fmt.Fprintf(a.env.Stderr, "  %s\n", describe(key, q.Now))
	}
	answer, err := a.ask(ctx, s.locks, prompt.Request{
		Kind: prompt.Line, Profile: q.Name, Text: fmt.Sprintf("To delete access key %s for good, type the user's name", vault.Mask(k.ID)),
	})
	return strings.TrimSpace(answer) == q.User, err
}

// describe shows a key with its age.
func describe(k vault.KeyUse, now time.Time) string {
	return fmt.Sprintf("%s, %s old", k, count(int(now.Sub(k.Created)/(24*time.Hour)), "day"))
}

func (a *app) previewRotation(ctx context.Context, r *vault.Rotation, f rotateFlags) error {
	p, err := r.Preview(ctx)
	if err != nil {
		return err
	}
	a.print("User %s, whose key is stored for profile '%s', has %s:\n", p.User, p.Name, count(len(p.Keys), "access key"))
	for _, k := range p.Keys {
		a.print("  %s\n", k)
	}
	if p.Left != nil {
		a.print("%s\n", leftover(p.Left, f))
		if p.Left.New.AccessKeyID != "" || f.undo {
			return nil
		}
	}
	switch {
	case f.resume || f.undo:
		return &vault.NoJournalError{Name: p.Name}
	case !p.Room:
		a.print("There is no room for a new one: the key that is not stored would have to be deleted, and would be asked about.\n")
		return nil
	}
	old := "deleted"
	if f.keepOld {
		old = "left inactive"
	}
	a.print("A new key would be made, proved to work and stored; the old one would be deactivated and then %s.\n", old)
	return nil
}

// leftover says what would become of an interrupted rotation.
func leftover(j *store.Rotation, f rotateFlags) string {
	switch {
	case j.New.AccessKeyID == "":
		return "A rotation was interrupted before its new key arrived: were one made, it would be deleted."
	case f.undo || j.Undo:
		return fmt.Sprintf("A rotation was interrupted: the old key %s would be put back, and the new key %s deleted.", vault.Mask(j.Old.AccessKeyID), vault.Mask(j.New.AccessKeyID))
	}
	return fmt.Sprintf("A rotation was interrupted: the new key %s would be put in the place of the old key %s.", vault.Mask(j.New.AccessKeyID), vault.Mask(j.Old.AccessKeyID))
}
