package sealed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/prompt"
	"aws-vault/vault/card/piv"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/sealed"
)

// openerFlags contains the flags that select the kind of an opener and its settings.
type openerFlags struct {
	name       string
	passphrase bool
	recovery   bool
	recipient  string
	identity   string
	slot       string
	pin        string
}

func (f *openerFlags) bind(c *kingpin.CmdClause) {
	c.Flag("name", "Name of the new opener. Default: its kind.").PlaceHolder("OPENER").StringVar(&f.name)
	c.Flag("passphrase", "Add a passphrase as the opener.").BoolVar(&f.passphrase)
	c.Flag("recovery", "Add recovery words as the opener. They are shown once on the terminal. Write them down and type them back.").BoolVar(&f.recovery)
	c.Flag("recipient", "Add an age recipient as the opener: that of a PIV slot (age1tag1…), or that of an age plugin. The security key need not be connected.").PlaceHolder("AGE").StringVar(&f.recipient)
	c.Flag("identity", "Identity of the age plugin, if --recipient belongs to a plugin.").PlaceHolder("AGE-PLUGIN-…").StringVar(&f.identity)
	c.Flag("piv", "PIV slot, such as 82. The key in this slot of the security key becomes the opener.").PlaceHolder("SLOT").StringVar(&f.slot)
	c.Flag("pin", "When a new key in the slot requires the PIN in addition to a touch: never, once, always.").
		PlaceHolder("WHEN").Default("never").EnumVar(&f.pin, piv.PINPolicyNames()...)
}

// kinds returns the kinds of openers that the flags select.
func (f openerFlags) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		kind     string
		selected bool
	}{
		{sealed.Card, f.slot != "" || strings.HasPrefix(f.recipient, "age1tag1")},
		{sealed.Plugin, f.recipient != "" && !strings.HasPrefix(f.recipient, "age1tag1")},
		{sealed.Passphrase, f.passphrase},
		{sealed.Recovery, f.recovery},
	} {
		if k.selected {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}

// checkSlot returns an error if the slot of --piv is invalid. It is called before the first prompt.
func (f openerFlags) checkSlot() error {
	if f.slot == "" {
		return nil
	}
	if _, err := piv.ParseSlot(f.slot); err != nil {
		return &app.UsageError{Text: fmt.Sprintf("--piv: %v", err)}
	}
	return nil
}

func sealedInitCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var f openerFlags
	var noRecovery bool
	c := k.Command("init", "Create the sealed keystore. It opens with a passphrase, or with another opener that you choose with a flag. It also opens with recovery words, unless you use --without-recovery.").HelpLong(app.Examples(
		"Create a keystore that opens with a passphrase.", "aws-vault sealed init",
		"Create a keystore that opens with a security key.", "aws-vault sealed init --piv 82"))
	f.bind(c)
	c.Flag("without-recovery", "Create no recovery words. If you lose the opener, you lose everything in the keystore.").BoolVar(&noRecovery)
	return app.Verb{Command: c, Effect: "decides who can open the keystore", Run: func(ctx context.Context) error {
		if f.recovery {
			return &app.UsageError{Text: "sealed init creates recovery words by default: remove --recovery, or pass --without-recovery to create none"}
		}
		s, err := app.SealedConfig(a, "sealed init", "")
		if err != nil {
			return err
		}
		if _, err := sealed.Open(s.Config); !errors.Is(err, sealed.ErrNoStore) {
			return fmt.Errorf("%s: %w", s.Config.Dir, sealed.ErrExists)
		}
		if len(f.kinds()) == 0 {
			f.passphrase = true
		}
		first, err := newOpener(ctx, a, s, f)
		if err != nil {
			return err
		}
		openers := []sealed.NewOpener{first}
		if !noRecovery {
			words, err := newWords(ctx, a, s, sealed.Recovery)
			if err != nil {
				return err
			}
			openers = append(openers, words)
		}
		if s.Store, err = sealed.Create(ctx, s.Config, s.Options.Plugin, openers...); err != nil {
			return err
		}
		noteUnused(ctx, a, s)
		h := s.Header()
		a.Print("Created a sealed keystore in %s. Openers: %s.\nFingerprint: %s\n", a.Env.Tilde(s.Config.Dir), openerNames(h.Openers), h.Fingerprint())
		return nil
	}}
}

// noteUnused prints a note if the settings select a keystore that is not the new sealed keystore.
func noteUnused(ctx context.Context, a *app.App, s app.SealedStore) {
	for _, k := range keystore.Survey(ctx, a.KeystoreConfig(a.Asker(s.Locks), s.State)) {
		if k.Chosen && k.Backend != keystore.SealedBackend {
			a.Note("aws-vault still uses the keystore %s; to use the sealed keystore, set AWS_VAULT_BACKEND=sealed", k.Backend)
		}
	}
}

func openerNames(all []sealed.Opener) string {
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = o.Name
	}
	return strings.Join(names, ", ")
}

func sealedAddCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var opener string
	var f openerFlags
	c := k.Command("add", "Add an opener. An existing opener must open the keystore first.").HelpLong(app.Examples(
		"Add a second security key.", "aws-vault sealed add --piv 82 --name backup-key --card 12345678",
		"Add a passphrase.", "aws-vault sealed add --passphrase"))
	f.bind(c)
	bindOpener(c, &opener)
	return app.Verb{Command: c, Effect: "changes who can open the keystore", Run: func(ctx context.Context) error {
		s, err := app.OpenSealedStore(a, "sealed add", opener)
		if err != nil {
			return err
		}
		if len(f.kinds()) != 1 {
			return &app.UsageError{Text: "expected one of --passphrase, --recovery, --piv and --recipient"}
		}
		if err := f.checkSlot(); err != nil {
			return err
		}
		if _, err := s.Unlock(ctx); err != nil { // unlock before the user has to choose a passphrase or write down words
			return err
		}
		o, err := newOpener(ctx, a, s, f)
		if err != nil {
			return err
		}
		return addOpener(ctx, a, s, o)
	}}
}

func addOpener(ctx context.Context, a *app.App, s app.SealedStore, o sealed.NewOpener) error {
	if err := s.Add(ctx, o, s.Options.Plugin); err != nil {
		return err
	}
	h := s.Header()
	a.Print("Added opener %s. Openers: %s.\nFingerprint: %s\n", o.Name, openerNames(h.Openers), h.Fingerprint())
	return nil
}

// newOpener returns the opener that the flags select. It prompts for the passphrase of a new opener.
func newOpener(ctx context.Context, a *app.App, s app.SealedStore, f openerFlags) (sealed.NewOpener, error) {
	kinds := f.kinds()
	if len(kinds) != 1 {
		return sealed.NewOpener{}, &app.UsageError{Text: "the flags select several openers, expected one; add the others with aws-vault sealed add"}
	}
	o := sealed.NewOpener{Opener: sealed.Opener{Name: f.name, Kind: kinds[0]}}
	if o.Name == "" {
		o.Name = kinds[0]
	}
	var err error
	switch o.Kind {
	case sealed.Passphrase:
		o.Passphrase, err = s.Options.Passphrase(ctx, sealed.PassphrasePrompt{Dir: s.Config.Dir, New: true})
	case sealed.Recovery:
		return newWords(ctx, a, s, o.Name)
	case sealed.Plugin:
		o.Recipient, o.Identity = f.recipient, f.identity
	case sealed.Card:
		o.Opener, err = cardOpener(ctx, a, s, o.Opener, f)
	}
	return o, err
}

// newWords generates recovery words and shows them on the terminal. Then it asks the user to type the words, to make
// sure that the user has written them down correctly.
func newWords(ctx context.Context, a *app.App, s app.SealedStore, name string) (sealed.NewOpener, error) {
	words, recipient, err := sealed.NewWords()
	if err != nil {
		return sealed.NewOpener{}, err
	}
	hide, err := showWords(ctx, a, words)
	if err != nil {
		return sealed.NewOpener{}, err
	}
	defer hide()
	again := ""
	for range maxTypingAttempts {
		text, err := askTerminal(ctx, a, s, prompt.Request{Kind: prompt.Line, Text: "Type the words, separated by spaces", RetryReason: again})
		if err != nil {
			return sealed.NewOpener{}, err
		}
		id, err := sealed.WordsIdentity(text)
		if err == nil && id.Recipient().String() == recipient {
			return sealed.NewOpener{Opener: sealed.Opener{Name: name, Kind: sealed.Recovery, Recipient: recipient}}, nil
		}
		if again = "these are not the words that were shown"; err != nil {
			again = err.Error()
		}
	}
	return sealed.NewOpener{}, errors.New("the words were not typed correctly; nothing was changed")
}

// maxTypingAttempts is how many times the user can try to type the recovery words.
const maxTypingAttempts = 3

// askTerminal prompts on the terminal and never with another prompt driver, because the terminal shows the words.
func askTerminal(ctx context.Context, a *app.App, s app.SealedStore, r prompt.Request) (string, error) {
	p, err := prompt.Choose(a.Env.Prompt, "terminal", prompt.Options{})
	if err != nil {
		return "", err
	}
	ctx, lock, err := s.Locks.Named(ctx, "prompt", r.Text)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	return p.Ask(ctx, r)
}

// Control sequences for the terminal's alternate screen. The terminal does not keep text on this screen in its
// scrollback.
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
const (
	enterAltScreen = "\x1b[?1049h\x1b[H"
	leaveAltScreen = "\x1b[?1049l"
)

// showWords writes the words to the terminal only, in four columns. The function hide removes the words from the
// terminal, together with the text that the user typed below the words.
func showWords(ctx context.Context, a *app.App, words []string) (hide func(), err error) {
	tty, err := a.Env.Prompt.OpenTTY()
	if err != nil {
		return nil, fmt.Errorf("recovery words can be shown only on a terminal: %w", err)
	}
	hide = func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // the write has a timeout, because the user may have paused the terminal's output
		defer cancel()
		tty.Write(last, leaveAltScreen)
		tty.Close()
	}
	var text strings.Builder
	text.WriteString("These words open the keystore if all other openers are lost. Write them down in this order.\nThey will not be shown again.\n\n")
	const columns = 4
	for i, w := range words {
		fmt.Fprintf(&text, "%4d %-10s", i+1, w)
		if i%columns == columns-1 {
			text.WriteString("\n")
		}
	}
	if err := tty.Write(ctx, enterAltScreen+strings.ReplaceAll(text.String(), "\n", "\r\n")+"\r\n"); err != nil {
		hide()
		return nil, err
	}
	return hide, nil
}

func sealedRecoverCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	f := openerFlags{passphrase: true}
	var words string
	c := k.Command("recover", "Open the keystore with its recovery words, and choose a new passphrase.").HelpLong(app.Examples(
		"Prompt for the recovery words and a new passphrase.", "aws-vault sealed recover",
		"Choose the name of the new passphrase.", "aws-vault sealed recover --name new-passphrase"))
	c.Flag("name", "Name of the new opener.").PlaceHolder("OPENER").Default("recovered").StringVar(&f.name)
	c.Flag("opener", "Name of the recovery words to use, if there are several sets. Default: the first set.").PlaceHolder("OPENER").StringVar(&words)
	return app.Verb{Command: c, Effect: "changes who can open the keystore", Run: func(ctx context.Context) error {
		s, err := app.OpenSealedStore(a, "sealed recover", "")
		if err != nil {
			return err
		}
		if words == "" {
			words = sealed.Recovery
			for _, o := range s.Header().Openers {
				if o.Kind == sealed.Recovery {
					words = o.Name
					break
				}
			}
		}
		if s, err = app.OpenSealedStore(a, "sealed recover", words); err != nil {
			return err
		}
		if _, err := s.Unlock(ctx); err != nil {
			return err
		}
		o, err := newOpener(ctx, a, s, f)
		if err != nil {
			return err
		}
		return addOpener(ctx, a, s, o)
	}}
}
