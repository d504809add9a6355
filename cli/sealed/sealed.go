// Package sealed has the commands of the sealed keystore: they manage its openers, and unlock it for a
// limited time.
package sealed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/prompt"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/sealed"
	"aws-vault/vault/keystore/unlocked"
	"aws-vault/vault/printable"
)

func Command(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("sealed", "Create the sealed keystore, and manage its openers: the passphrases, keys and recovery words that open it.").HelpLong(app.Examples(
		"Create a keystore that opens with a passphrase.", "aws-vault sealed init",
		"List the openers.", "aws-vault sealed openers"))
	return []app.Verb{
		sealedInitCommand(c, a),
		sealedOpenersCommand(c, a),
		sealedAddCommand(c, a),
		sealedRemoveCommand(c, a),
		sealedRekeyCommand(c, a),
		sealedRecoverCommand(c, a),
		sealedCheckCommand(c, a),
	}
}

func sealedOpenersCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var asJSON bool
	c := k.Command("openers", "List the openers. The keystore stays locked, so the list on disk is not verified. To verify it, use sealed check.").HelpLong(app.Examples(
		"List the openers.", "aws-vault sealed openers",
		"Print the list for a script.", "aws-vault sealed openers --json"))
	c.Flag("json", "Print the list as JSON.").BoolVar(&asJSON)
	return app.Verb{Command: c, Effect: "shows who can open the keystore", Run: func(context.Context) error {
		s, err := app.OpenSealedStore(a, "sealed openers", "")
		if err != nil {
			return err
		}
		h := s.Header()
		if asJSON {
			return ui.PrintJSON(a.Env.Stdout, h.Openers)
		}
		w := tabwriter.NewWriter(a.Env.Stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintf(w, "Opener\tKind\tWhere\tPublic key\n======\t====\t=====\t==========\n")
		for _, o := range h.Openers {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", ui.Cell(o.Name), o.Kind, ui.Cell(keyLocation(o)), ui.Cell(o.Recipient))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		a.Print("\nFingerprint: %s\n", h.Fingerprint())
		return nil
	}}
}

// keyLocation returns where the key of an opener is stored.
func keyLocation(o sealed.Opener) string {
	var parts []string
	if o.Card != 0 {
		parts = append(parts, fmt.Sprintf("card %d", o.Card))
	}
	if o.Slot != "" {
		parts = append(parts, "slot "+o.Slot)
	}
	if o.Kind == sealed.Recovery {
		parts = append(parts, "on paper")
	}
	return strings.Join(parts, ", ")
}

func sealedRemoveCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var opener string
	var name, confirm string
	c := k.Command("remove", "Remove an opener. Everything is encrypted again with a new key, so that the removed opener cannot open it.").HelpLong(app.Examples(
		"Remove the opener old-key.", "aws-vault sealed remove old-key",
		"Remove it without a prompt for its name.", "aws-vault sealed remove old-key --confirm old-key"))
	c.Arg("opener", "Name of the opener.").Required().StringVar(&name)
	c.Flag("confirm", "Name of the opener again, if you do not want to be prompted for it.").PlaceHolder("OPENER").StringVar(&confirm)
	bindOpener(c, &opener)
	return app.Verb{Command: c, Effect: "changes who can open the keystore", Run: func(ctx context.Context) error {
		s, err := app.OpenSealedStore(a, "sealed remove "+name, opener)
		if err != nil {
			return err
		}
		if !s.Has(name) {
			return &sealed.OpenerError{Name: name, Err: sealed.ErrUnknownOpener}
		}
		if len(s.Header().Openers) == 1 { // report this error before the user is prompted
			return &sealed.OpenerError{Name: name, Err: sealed.ErrLastOpener}
		}
		if confirm == "" {
			text := fmt.Sprintf("Old copies of the keystore can still be opened with %s. To remove this opener, type its name", name)
			if confirm, err = a.Ask(ctx, s.Locks, prompt.Request{Kind: prompt.Line, Text: text}); err != nil {
				return err
			}
		}
		if confirm != name {
			return &app.UsageError{Text: fmt.Sprintf("%q is not the name of the opener, expected %s; nothing was removed", confirm, printable.Quote(name))}
		}
		return rekey(ctx, a, s, func(o sealed.Opener) bool { return o.Name != name }, "Removed opener "+name+". ")
	}}
}

func sealedRekeyCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var opener string
	c := k.Command("rekey", "Encrypt everything again with a new key for the same openers, and lock the keystore.").HelpLong(app.Examples(
		"Replace the key of the keystore.", "aws-vault sealed rekey",
		"Open the keystore with the opener backup-key, and replace its key.", "aws-vault sealed rekey --opener backup-key"))
	bindOpener(c, &opener)
	return app.Verb{Command: c, Effect: "changes who can open the keystore", Run: func(ctx context.Context) error {
		s, err := app.OpenSealedStore(a, "sealed rekey", opener)
		if err != nil {
			return err
		}
		return rekey(ctx, a, s, func(sealed.Opener) bool { return true }, "")
	}}
}

func rekey(ctx context.Context, a *app.App, s app.SealedStore, keep func(sealed.Opener) bool, prefix string) error {
	if err := s.Rekey(ctx, s.Options.Plugin, keep); err != nil {
		return err
	}
	h := s.Header()
	a.Print("%sAll items are encrypted with a new key for %s.\nFingerprint: %s\n", prefix, ui.Count(len(h.Openers), "opener"), h.Fingerprint())
	return unlocked.Remove(keystore.UnlockedKeyName(h.Store))
}

func bindOpener(c *kingpin.CmdClause, into *string) {
	c.Flag("opener", "Opener with which to open the keystore. Default: the first one that is available.").PlaceHolder("OPENER").StringVar(into)
}

func sealedCheckCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var opener string
	var fingerprint string
	var repair bool
	c := k.Command("check", "Check that every item is intact, and print the fingerprint of the openers.").HelpLong(app.Examples(
		"Check all items and openers.", "aws-vault sealed check",
		"Repair a damaged header, and then check.", "aws-vault sealed check --repair"))
	c.Flag("fingerprint", "Also check that the fingerprint is this one, which you noted earlier.").PlaceHolder("TEXT").StringVar(&fingerprint)
	c.Flag("repair", "Repair a damaged header from its copy, or a damaged copy from the header.").BoolVar(&repair)
	bindOpener(c, &opener)
	return app.Verb{Command: c, Effect: "opens the keystore", Run: func(ctx context.Context) error {
		s, err := app.OpenSealedStore(a, "sealed check", opener)
		if err != nil {
			return err
		}
		if repair {
			repaired, err := s.Repair(ctx)
			if err != nil {
				return err
			}
			if repaired {
				a.Print("Repaired the header: it and its copy are identical again.\n")
			}
		}
		found, err := s.Check(ctx)
		if err != nil {
			return err
		}
		return reportCheck(ctx, a, s, found, fingerprint)
	}}
}

// reportCheck prints the problems in the list found. It also reports a fingerprint that differs from the one that
// the user noted, and a security key that no longer contains its opener's key.
func reportCheck(ctx context.Context, a *app.App, s app.SealedStore, found []error, noted string) error {
	h := s.Header()
	if have := h.Fingerprint(); noted != "" && strings.Join(strings.Fields(noted), "") != strings.ReplaceAll(have, " ", "") {
		found = append(found, fmt.Errorf("the fingerprint is %s, expected %s: the openers or the key have changed since you noted it", have, noted))
	}
	for _, o := range h.Openers {
		if err := compareCard(ctx, a, s.Options, o); err != nil {
			found = append(found, err)
		}
	}
	for _, err := range found {
		a.Warn(err)
	}
	if len(found) > 0 {
		return &damagedError{len(found)}
	}
	a.Print("No problems found. The keystore has %s.\nFingerprint: %s\n", ui.Count(len(h.Openers), "opener"), h.Fingerprint())
	return nil
}

// A damagedError reports that a check found n problems.
type damagedError struct{ n int }

func (e *damagedError) Error() string {
	return ui.Count(e.n, "problem") + " found in the sealed keystore"
}

func (*damagedError) Remedy() string {
	return "to fix the header: aws-vault sealed check --repair. To fix an item, restore its file from a backup, or delete the file and store the key again"
}

// compareCard checks that the security key of an opener still contains the opener's key. If the security key is not
// connected, compareCard checks nothing.
func compareCard(ctx context.Context, a *app.App, options sealed.UnlockOptions, o sealed.Opener) error {
	if o.Kind != sealed.Card || options.Card == nil {
		return nil
	}
	key, done, err := options.Card(ctx, o)
	if errors.Is(err, sealed.ErrAbsent) {
		return nil
	}
	if err != nil {
		return &sealed.OpenerError{Name: o.Name, Err: err}
	}
	defer done()
	if have, err := sealed.CardRecipient(key.PublicKey()); err != nil || have != o.Recipient {
		return &sealed.OpenerError{Name: o.Name, Err: errors.New("that slot has a different key, expected " + o.Recipient)}
	}
	return nil
}
