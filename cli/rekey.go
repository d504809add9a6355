package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/prompt"
	"aws-vault/vault/keystore"
)

func rekeyCommand(k *kingpin.Application, a *app) {
	var stdin bool
	c := k.Command("rekey", "Choose a new passphrase for the file keystore, and seal everything in it again.")
	c.Flag("stdin", "Read the new passphrase from the first line of stdin.").BoolVar(&stdin)
	a.action(c, verb{does: "changes who can open the keystore", run: func(ctx context.Context) error { return a.rekeyFiles(ctx, stdin) }})
}

func (a *app) rekeyFiles(ctx context.Context, stdin bool) error {
	s, err := a.open(ctx, "rekey", nil, "")
	if err != nil {
		return err
	}
	if err := keystore.Rekeyable(s.keystore); err != nil {
		return err
	}
	switch empty, err := s.nothingStored(ctx); {
	case err != nil:
		return err
	case empty:
		a.print("Nothing is stored in keystore %s.\n", s.keystore.Name)
		return nil
	}
	ctx, lock, err := s.locks.Alone(ctx, "rotate", "a new passphrase for the keystore") // nothing is to be stored meanwhile
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := s.keystore.Private.Check(ctx); err != nil { // asks for the old passphrase first
		return err
	}
	var next string
	if stdin {
		next, err = a.passphraseFromStdin()
	} else {
		dir := a.tilde(a.path(a.globals.fileDir))
		next, err = a.choosePassphrase(ctx, s.locks, prompt.Request{Kind: prompt.Passphrase, New: true, Text: "New passphrase for " + dir})
	}
	if err != nil {
		return err
	}
	done, err := keystore.Rekey(ctx, s.keystore, next)
	if err != nil {
		return err
	}
	a.print("Sealed %s under the new passphrase.\n", count(done.Items, "item"))
	if _, set := a.env.Getenv(passphraseVariable); set {
		a.note("%s is set to the old passphrase", passphraseVariable)
	}
	if len(done.Left)+done.Private > 0 {
		return &leftSealedError{done}
	}
	return nil
}

// nothingStored reports whether there is nothing that a passphrase could open.
func (s *session) nothingStored(ctx context.Context) (bool, error) {
	for _, r := range []keystore.Ring{s.keystore.Keys, s.keystore.Private} {
		if names, err := r.Names(ctx); err != nil || len(names) > 0 {
			return false, err
		}
	}
	return true, nil
}

// passphraseFromStdin reads a new passphrase as a line.
func (a *app) passphraseFromStdin() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(a.env.Stdin, maxKey)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return a.givenPassphrase(strings.TrimRight(line, "\r\n")), nil
}

// A leftSealedError reports items that are sealed under a passphrase that was not given.
type leftSealedError struct{ done keystore.Rekeyed }

func (e *leftSealedError) Error() string {
	var left []string
	if n := len(e.done.Left); n > 0 {
		left = append(left, fmt.Sprintf("%s (%s)", count(n, "key"), strings.Join(e.done.Left, ", ")))
	}
	if e.done.Private > 0 {
		left = append(left, count(e.done.Private, "cached item"))
	}
	return strings.Join(left, " and ") + " cannot be opened with either passphrase and stay as they are"
}
