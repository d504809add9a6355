package keys

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/envvar"
	"aws-vault/cli/ui"
	"aws-vault/prompt"
	"aws-vault/vault/keystore"
)

func RekeyCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var stdin bool
	c := k.Command("rekey", "Choose a new passphrase for the file keystore, and encrypt everything in it again.").HelpLong(app.Examples(
		"Prompt for the new passphrase.", "aws-vault rekey",
		"Read the new passphrase from a file.", "aws-vault rekey --stdin < passphrase.txt"))
	c.Flag("stdin", "Read the new passphrase from the first line of stdin.").BoolVar(&stdin)
	return []app.Verb{{Command: c, Effect: "changes who can open the keystore", Run: func(ctx context.Context) error { return rekeyFiles(ctx, a, stdin) }}}
}

func rekeyFiles(ctx context.Context, a *app.App, stdin bool) error {
	s, err := a.Open(ctx, "rekey")
	if err != nil {
		return err
	}
	if err := keystore.CheckRekeyable(s.Keystore); err != nil {
		return err
	}
	switch empty, err := isEmpty(ctx, s); {
	case err != nil:
		return err
	case empty:
		a.Print("Nothing is stored in keystore %s.\n", s.Keystore.Name)
		return nil
	}
	ctx, lock, err := lockKeys(ctx, s, "a new passphrase for the keystore")
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := s.Keystore.Private.Check(ctx); err != nil { // Check prompts for the old passphrase
		return err
	}
	var next string
	if stdin {
		next, err = passphraseFromStdin(a)
	} else {
		dir := a.Env.Tilde(a.Env.Path(a.Globals.FileDir))
		next, err = a.Asker(s.Locks).ChoosePassphrase(ctx, prompt.Request{Kind: prompt.Passphrase, New: true, Text: "New passphrase for " + dir})
	}
	if err != nil {
		return err
	}
	done, err := keystore.Rekey(ctx, s.Keystore, next)
	if err != nil {
		return err
	}
	a.Print("Encrypted %s with the new passphrase.\n", ui.Count(done.Items, "item"))
	if _, set := a.Env.Getenv(envvar.FilePassphrase); set {
		a.Note("%s is still set to the old passphrase; change or unset it", envvar.FilePassphrase)
	}
	if len(done.UnreadableKeys)+done.UnreadablePrivate > 0 {
		return &notRekeyedError{done}
	}
	return nil
}

// isEmpty reports whether the keystore contains no items.
func isEmpty(ctx context.Context, s *app.Session) (bool, error) {
	for _, r := range []keystore.Ring{s.Keystore.Keys, s.Keystore.Private} {
		if names, err := r.Names(ctx); err != nil || len(names) > 0 {
			return false, err
		}
	}
	return true, nil
}

// passphraseFromStdin reads a new passphrase from the first line of stdin.
func passphraseFromStdin(a *app.App) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(a.Env.Stdin, maxKey)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return app.GivenPassphrase(a, strings.TrimRight(line, "\r\n")), nil
}

// A notRekeyedError reports that items were not changed, because neither the old nor the new passphrase decrypts them.
type notRekeyedError struct{ done keystore.Rekeyed }

func (e *notRekeyedError) Error() string {
	var left []string
	if n := len(e.done.UnreadableKeys); n > 0 {
		left = append(left, fmt.Sprintf("%s (%s)", ui.Count(n, "key"), strings.Join(e.done.UnreadableKeys, ", ")))
	}
	if e.done.UnreadablePrivate > 0 {
		left = append(left, ui.Count(e.done.UnreadablePrivate, "cached item"))
	}
	return strings.Join(left, " and ") + " not changed: neither the old nor the new passphrase decrypts them"
}
