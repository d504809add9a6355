package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
)

type importFlags struct {
	names                     []string
	delete, dryRun, overwrite bool
}

func importCommand(k *kingpin.Application, a *app) {
	var f importFlags
	c := k.Command("import", "Store the access keys that stand in the AWS credentials and config files as plain text.")
	c.Arg("profile", "The profiles whose keys are stored; all that have one if there is none.").StringsVar(&f.names)
	c.Flag("delete", "Take each key out of its file once it was stored, read back and taken by AWS.").BoolVar(&f.delete)
	c.Flag("dry-run", "Say which keys there are, and do nothing.").BoolVar(&f.dryRun)
	c.Flag("overwrite", "Replace another key that is stored under the same name.").BoolVar(&f.overwrite)
	a.action(c, func(ctx context.Context) error { return a.importKeys(ctx, f) })
}

// A plainKey is a key and the file that it stands in.
type plainKey struct {
	profile.PlainKey
	file vault.ConfigFile
}

func (k plainKey) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: k.ID.Text, SecretAccessKey: k.Secret.Text}
}

// A notImportedError counts the keys that stand where they stood.
type notImportedError struct{ n, of int }

func (e *notImportedError) Error() string {
	return fmt.Sprintf("%d of %s left where they are", e.n, count(e.of, "key"))
}

// A noPlainKeyError is a profile that was named and has no key to import.
type noPlainKeyError struct {
	name      string
	temporary bool
}

func (e *noPlainKeyError) Error() string {
	if e.temporary {
		return fmt.Sprintf("profile %q has a temporary key, want a long-lived one", e.name)
	}
	return fmt.Sprintf("profile %q has no access key in a file", e.name)
}

func (a *app) importKeys(ctx context.Context, f importFlags) error {
	keys, err := a.plainKeys(f.names)
	switch {
	case err != nil:
		return err
	case len(keys) == 0:
		a.print("No access keys stand in %s or %s.\n", a.credentialsFile().Name, a.config().Name)
		return nil
	case f.dryRun:
		a.print("Would import %s:\n", count(len(keys), "key"))
		for _, k := range keys {
			a.print("  %s (%s)\n", k.Profile, k.ID.Origin)
		}
		a.print("\nNo changes made.\n")
		return nil
	}
	s, err := a.open(ctx, "import", nil, "")
	if err != nil {
		return err
	}
	if err := s.keystore.Keys.Check(ctx); err != nil {
		return err
	}
	return a.importAll(ctx, s, f, keys)
}

// plainKeys are the keys to import: of the credentials file first, for its keys count more.
func (a *app) plainKeys(names []string) ([]plainKey, error) {
	var all []plainKey
	temporary := map[string]bool{}
	for _, file := range []vault.ConfigFile{a.credentialsFile(), a.config()} {
		text, err := file.Read()
		if err != nil {
			return nil, err
		}
		for _, name := range text.Profiles() {
			named := slices.Contains(names, name)
			k, ok, err := text.PlainKey(name)
			switch {
			case err != nil && named:
				return nil, err
			case err != nil && len(names) == 0:
				a.warn(err)
			case ok && k.Temporary:
				temporary[name] = true
			case ok && (named || len(names) == 0):
				all = append(all, plainKey{k, file})
			}
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(k plainKey) bool { return k.Profile == name }) {
			return nil, &noPlainKeyError{name, temporary[name]}
		}
	}
	return all, nil
}

// importAll goes on after a key that AWS does not take, or that cannot be taken out: that
// says nothing of the next one.
func (a *app) importAll(ctx context.Context, s *session, f importFlags, keys []plainKey) error {
	var stored []string
	left := 0
	for _, k := range keys {
		done, err := a.importKey(ctx, s, f, k)
		if err != nil && !singular(err) {
			return err
		}
		if err != nil {
			a.warn(fmt.Errorf("%s: %w", k.Profile, err))
		}
		if !done {
			left++
			continue
		}
		stored = append(stored, quoteWord(k.Profile))
	}
	if len(stored) > 0 {
		slices.Sort(stored)
		a.note("these keys have stood in a file, and may be in backups of it: replace each with aws-vault rotate (%s)", strings.Join(slices.Compact(stored), ", "))
	}
	if left > 0 {
		return &notImportedError{left, len(keys)}
	}
	return nil
}

// singular reports whether an error is of one key alone.
func singular(err error) bool {
	var refused *source.APIError
	var repeated *profile.RepeatedKeyError
	var bad *keyError
	return errors.As(err, &refused) && !refused.Retry || errors.As(err, &repeated) || errors.As(err, &bad) || errors.Is(err, profile.ErrOtherKey)
}

// importKey reports whether the key is stored and, if it was to go, gone from its file.
func (a *app) importKey(ctx context.Context, s *session, f importFlags, k plainKey) (bool, error) {
	a.print("Importing %s... ", k.Profile)
	if err := checkKey(k.credentials()); err != nil {
		a.print("failed\n")
		return false, err
	}
	got, err := s.Import(ctx, k.Profile, k.credentials(), f.overwrite)
	if err != nil {
		a.print("failed\n")
		return false, err
	}
	switch got.Outcome {
	case vault.LeftAlone:
		a.print("skipped, another key is stored\n")
		return false, nil
	case vault.AlreadyThere:
		a.print("is stored already, ")
	case vault.Copied, vault.Overwritten:
		a.print("stored, read back, ")
		a.settle(s.remember())
		_, err := s.forget(ctx, k.Profile)
		a.settle(err)
	}
	a.print("works as %s", got.Caller.ARN)
	if f.delete {
		if err := k.file.TakeOut(ctx, s.locks, k.PlainKey); err != nil {
			a.print("\n")
			return false, err
		}
		a.print(", taken out of %s", k.file.Name)
	}
	a.print("\n")
	return true, nil
}
