package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/prompt"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/sealed"
	"aws-vault/vault/store"
	"aws-vault/vault/waiting"
)

func sealedCommand(k *kingpin.Application, a *app) {
	c := k.Command("sealed", "Make the sealed keystore, and say who opens it.")
	sealedInitCommand(c, a)
	sealedOpenersCommand(c, a)
	sealedAddCommand(c, a)
	sealedRemoveCommand(c, a)
	sealedRekeyCommand(c, a)
	sealedRecoverCommand(c, a)
	sealedCheckCommand(c, a)
}

// A sealedStore is the sealed keystore as its owner handles it.
type sealedStore struct {
	*sealed.Store
	config sealed.Config
	hands  sealed.Hands
	locks  *store.Locks
	state  *disk.Folder
}

// sealedConfig says where the sealed keystore is, whether or not there is one.
func (a *app) sealedConfig(what string) (sealedStore, error) {
	locks, state, err := a.locks(what)
	if err != nil {
		return sealedStore{}, err
	}
	c := a.keystoreConfig(locks, state)
	a.opened = keystore.SealedBackend
	config, err := c.Sealed()
	return sealedStore{config: config, hands: c.Openers, locks: locks, state: state}, err
}

// sealedStore opens the sealed keystore, and asks nobody yet.
func (a *app) sealedStore(what string) (sealedStore, error) {
	s, err := a.sealedConfig(what)
	if err == nil {
		s.Store, err = sealed.Open(s.config)
	}
	return s, err
}

func sealedOpenersCommand(k *kingpin.CmdClause, a *app) {
	var asJSON bool
	c := k.Command("openers", "List who opens it. Nobody is asked, so the list is the one on the disk: see check.")
	c.Flag("json", "Print the list as JSON.").BoolVar(&asJSON)
	a.action(c, verb{does: "shows who can open the keystore", run: func(context.Context) error {
		s, err := a.sealedStore("sealed openers")
		if err != nil {
			return err
		}
		h := s.Header()
		if asJSON {
			return printJSON(a.env.Stdout, h.Openers)
		}
		w := tabwriter.NewWriter(a.env.Stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintf(w, "Opener\tKind\tWhere\tPublic key\n======\t====\t=====\t==========\n")
		for _, o := range h.Openers {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Name, o.Kind, dash(whereIs(o)), o.Recipient)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		a.print("\nFingerprint: %s\n", h.Fingerprint())
		return nil
	}})
}

// whereIs says where the key of an opener lies.
func whereIs(o sealed.Opener) string {
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

func sealedRemoveCommand(k *kingpin.CmdClause, a *app) {
	var name, confirm string
	c := k.Command("remove", "Remove an opener: all is sealed anew under another key, which it does not open.")
	c.Arg("opener", "The opener's name.").Required().StringVar(&name)
	c.Flag("confirm", "The opener's name again, so that it is not asked for.").PlaceHolder("OPENER").StringVar(&confirm)
	a.bindOpener(c)
	a.action(c, verb{does: "changes who can open the keystore", run: func(ctx context.Context) error {
		s, err := a.sealedStore("sealed remove " + name)
		if err != nil {
			return err
		}
		if !s.has(name) {
			return &sealed.OpenerError{Name: name, Err: sealed.ErrUnknownOpener}
		}
		if len(s.Header().Openers) == 1 { // before anyone is asked
			return &sealed.OpenerError{Name: name, Err: sealed.ErrLastOpener}
		}
		if confirm == "" {
			text := fmt.Sprintf("Old copies of the store still open for %s. Type its name to remove it", name)
			if confirm, err = a.ask(ctx, s.locks, prompt.Request{Kind: prompt.Line, Text: text}); err != nil {
				return err
			}
		}
		if confirm != name {
			return &usageError{fmt.Sprintf("%q is not the name of the opener, want %q; nothing was removed", confirm, name)}
		}
		return a.rekey(ctx, s, func(o sealed.Opener) bool { return o.Name != name }, "Removed opener "+name+". ")
	}})
}

func (s sealedStore) has(name string) bool {
	for _, o := range s.Header().Openers {
		if o.Name == name {
			return true
		}
	}
	return false
}

func sealedRekeyCommand(k *kingpin.CmdClause, a *app) {
	c := k.Command("rekey", "Seal everything anew under another key, for the same openers, and lock.")
	a.bindOpener(c)
	a.action(c, verb{does: "changes who can open the keystore", run: func(ctx context.Context) error {
		s, err := a.sealedStore("sealed rekey")
		if err != nil {
			return err
		}
		return a.rekey(ctx, s, func(sealed.Opener) bool { return true }, "")
	}})
}

func (a *app) rekey(ctx context.Context, s sealedStore, keep func(sealed.Opener) bool, said string) error {
	if err := s.Rekey(ctx, s.hands.Plugin, keep); err != nil {
		return err
	}
	h := s.Header()
	a.print("%sEverything is sealed under a new key, for %s.\nFingerprint: %s\n", said, count(len(h.Openers), "opener"), h.Fingerprint())
	return waiting.Drop(keystore.WaitingName(h.Store))
}

func (a *app) bindOpener(c *kingpin.CmdClause) {
	c.Flag("opener", "The opener to use; otherwise the first that is at hand.").PlaceHolder("OPENER").StringVar(&a.opener)
}

func sealedCheckCommand(k *kingpin.CmdClause, a *app) {
	var fingerprint string
	var repair bool
	c := k.Command("check", "Look whether every item is whole, and whether the openers are those that you know.")
	c.Flag("fingerprint", "The fingerprint that you noted.").PlaceHolder("TEXT").StringVar(&fingerprint)
	c.Flag("repair", "Write a damaged header anew from its copy, or the copy from the header.").BoolVar(&repair)
	a.bindOpener(c)
	a.action(c, verb{does: "opens the keystore", run: func(ctx context.Context) error {
		s, err := a.sealedStore("sealed check")
		if err != nil {
			return err
		}
		if repair {
			amiss, err := s.Repair(ctx)
			if err != nil {
				return err
			}
			if amiss {
				a.print("The header and its copy were made the same again.\n")
			}
		}
		found, err := s.Check(ctx)
		if err != nil {
			return err
		}
		return a.checked(ctx, s, found, fingerprint)
	}})
}

// checked says what was found, and compares the openers with what else is known of them.
func (a *app) checked(ctx context.Context, s sealedStore, found []error, noted string) error {
	h := s.Header()
	if have := h.Fingerprint(); noted != "" && strings.Join(strings.Fields(noted), "") != strings.ReplaceAll(have, " ", "") {
		found = append(found, fmt.Errorf("the openers have the fingerprint %s, want %s: they, or the key, were changed since you noted it", have, noted))
	}
	for _, o := range h.Openers {
		if err := a.compareCard(ctx, s.hands, o); err != nil {
			found = append(found, err)
		}
	}
	for _, err := range found {
		a.warn(err)
	}
	if len(found) > 0 {
		return &notWholeError{len(found)}
	}
	a.print("All is whole. It opens for %s.\nFingerprint: %s\n", count(len(h.Openers), "opener"), h.Fingerprint())
	return nil
}

// A notWholeError is a store in which something is amiss.
type notWholeError struct{ n int }

func (e *notWholeError) Error() string {
	return count(e.n, "thing") + " in the store is not as it was written"
}

func (*notWholeError) Remedy() string {
	return "aws-vault sealed check --repair mends the header; an item is put back from a backup, or its file removed and the key stored again"
}

// compareCard looks whether a card that is here holds the key that the list says.
func (a *app) compareCard(ctx context.Context, hands sealed.Hands, o sealed.Opener) error {
	if o.Kind != sealed.Card || hands.Card == nil {
		return nil
	}
	key, done, err := hands.Card(ctx, o)
	if errors.Is(err, sealed.ErrAbsent) {
		return nil
	}
	if err != nil {
		return &sealed.OpenerError{Name: o.Name, Err: err}
	}
	defer done()
	if have, err := sealed.CardRecipient(key.PublicKey()); err != nil || have != o.Recipient {
		return &sealed.OpenerError{Name: o.Name, Err: errors.New("the card holds another key in that slot, want " + o.Recipient)}
	}
	return nil
}
