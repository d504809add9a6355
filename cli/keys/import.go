package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/configfile"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
	"aws-vault/vault/transfer"
)

type importFlags struct {
	names                     []string
	delete, dryRun, overwrite bool
}

func ImportCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f importFlags
	c := k.Command("import", "Store the access keys from the AWS credentials and config files in the keystore.").HelpLong(app.Examples(
		"List the plain-text keys, and change nothing.", "aws-vault import --dry-run",
		"Store the key of the profile work, and delete it from the file.", "aws-vault import --delete work"))
	c.Arg("profile", "Profiles whose keys are imported. Default: all profiles with a key.").StringsVar(&f.names)
	c.Flag("delete", "Delete each key from its file after it was stored, read back and accepted by AWS.").BoolVar(&f.delete)
	c.Flag("dry-run", "List the keys, and change nothing.").BoolVar(&f.dryRun)
	c.Flag("overwrite", "Replace a different key that is stored under the same name.").BoolVar(&f.overwrite)
	return []app.Verb{{Command: c, Effect: "moves long-lived keys", Run: func(ctx context.Context) error { return importKeys(ctx, a, f) }}}
}

// A plainKey is an access key in plain text, and the file that contains the key.
type plainKey struct {
	profile.PlainKey
	file        configfile.File
	otherOrigin string // where the profile has a second key, which the AWS CLI would use if this key were deleted; empty if there is no second key
}

func (k plainKey) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: k.ID.Text, SecretAccessKey: k.Secret.Text}
}

// A notImportedError reports how many keys were not imported completely. The number includes the keys of a
// [*keptInFileError], which were stored. All these keys stay in their files.
type notImportedError struct {
	n, of      int
	hasTwoKeys bool // whether at least one of the profiles has two keys
}

func (e *notImportedError) Error() string {
	return fmt.Sprintf("%d of %s not imported completely", e.n, ui.Count(e.of, "key"))
}

func (e *notImportedError) Remedy() string {
	if e.hasTwoKeys {
		return "a profile has two keys: choose the key that you do not need, delete it from its file, then import again"
	}
	return "see the messages above; to replace stored keys, run the command again with --overwrite"
}

// A shadowedKeyError reports that a key is not imported, because the AWS CLI uses another key for the same profile.
type shadowedKeyError struct {
	found, counts profile.Origin
}

func (e *shadowedKeyError) Error() string {
	return fmt.Sprintf("the key in %s is not imported: the AWS CLI uses another key for this profile, in %s", e.found, e.counts)
}

// A keptInFileError reports that a key was stored, but also stays in its file. If the key were deleted from the file,
// the AWS CLI would use another key for the same profile.
type keptInFileError struct {
	found profile.Origin
	other string
}

func (e *keptInFileError) Error() string {
	return fmt.Sprintf("the key was stored but not deleted from %s, because the AWS CLI would then use the other key, in %s", e.found, e.other)
}

// A noPlainKeyError reports that a profile on the command line has no key to import.
type noPlainKeyError struct {
	name      string
	temporary string // where the profile has a temporary key; empty if it has none
}

func (e *noPlainKeyError) Error() string {
	if e.temporary != "" {
		return fmt.Sprintf("profile %s has a temporary key in %s, expected a long-lived one", printable.Quote(e.name), e.temporary)
	}
	return fmt.Sprintf("profile %s has no access key in a file", printable.Quote(e.name))
}

func importKeys(ctx context.Context, a *app.App, f importFlags) error {
	found, err := plainKeys(a, f.names)
	switch {
	case err != nil:
		return err
	case len(found.keys)+len(found.left) == 0:
		a.Print("No access keys found in %s or %s.\n", a.Env.CredentialsFile().Name, a.Env.ConfigFile().Name)
		return nil
	case f.dryRun:
		a.Print("Would import %s:\n", ui.Count(len(found.keys), "key"))
		for _, k := range found.keys {
			a.Print("  %s (%s)\n", k.Profile, k.ID.Origin)
		}
		for _, w := range slices.Concat(found.warnings, found.left) {
			a.Warn(w)
		}
		a.Print("\nNo changes made.\n")
		return nil
	}
	s, err := a.Open(ctx, "import")
	if err != nil {
		return err
	}
	ctx, lock, err := lockKeys(ctx, s, "the import of another key")
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := s.Keystore.Keys.Check(ctx); err != nil {
		return err
	}
	return importAll(ctx, a, s, f, found)
}

// foundKeys contains the keys that were found in the credentials file and the config file.
type foundKeys struct {
	keys     []plainKey // the keys to import
	left     []error    // one error for each key that is not imported
	warnings []error    // one error for each section that cannot be read and may contain a key

	first  map[string]profile.PlainKey // for each profile, the key that the AWS CLI uses
	unread map[string]error            // for each profile, why it is not known which key the AWS CLI uses
}

// plainKeys finds the keys to import. It reads the credentials file before the config file, in the same order as
// the AWS CLI: if both files have a key for a profile, the AWS CLI uses the key in the credentials file.
func plainKeys(a *app.App, names []string) (foundKeys, error) {
	all := foundKeys{first: map[string]profile.PlainKey{}, unread: map[string]error{}}
	for _, file := range []configfile.File{a.Env.CredentialsFile(), a.Env.ConfigFile()} {
		text, err := file.Read()
		if err != nil {
			return foundKeys{}, err
		}
		for _, name := range text.Profiles() {
			if len(names) > 0 && !slices.Contains(names, name) {
				continue
			}
			if err := all.add(text, file, name); err != nil && len(names) > 0 {
				return foundKeys{}, err
			}
		}
	}
	for _, name := range names {
		switch first, ok := all.first[name]; {
		case !ok:
			return foundKeys{}, &noPlainKeyError{name: name}
		case first.Temporary:
			return foundKeys{}, &noPlainKeyError{name, first.ID.Origin.String()}
		}
	}
	return all, nil
}

// add adds the key that one file contains for one profile. If the profile has several keys, the AWS CLI uses only the
// first one. If it is not known which key is the first one, add returns an error with the reason.
func (a *foundKeys) add(text *profile.File, file configfile.File, name string) error {
	k, ok, err := text.PlainKey(name)
	if err != nil {
		a.unread[name] = err
		a.warnings = append(a.warnings, err)
		return err
	}
	if !ok {
		return nil
	}
	first, known := a.first[name]
	unread := a.unread[name]
	switch repeated := text.CheckSingleKey(k); {
	case unread != nil:
		a.leave(name, fmt.Errorf("the key in %s is not imported, because the AWS CLI may use a key in another file: %w", k.ID.Origin, unread))
	case known && (first.ID.Text != k.ID.Text || first.Secret.Text != k.Secret.Text):
		if !k.Temporary {
			a.leave(name, &shadowedKeyError{k.ID.Origin, first.ID.Origin})
		}
		if i := slices.IndexFunc(a.keys, func(k plainKey) bool { return k.Profile == name }); i >= 0 {
			a.keys[i].otherOrigin = k.ID.Origin.String()
		}
	case repeated != nil:
		a.unread[name] = repeated
		a.leave(name, fmt.Errorf("no key of this profile is imported: %w", repeated))
		return repeated
	case k.Temporary:
		a.first[name] = k
	default:
		a.first[name] = k
		a.keys = append(a.keys, plainKey{PlainKey: k, file: file})
	}
	return nil
}

func (a *foundKeys) leave(name string, err error) {
	a.left = append(a.left, fmt.Errorf("%s: %w", name, err))
}

// importAll imports all keys. After an error that concerns only one key, such as a key that AWS refuses, importAll
// continues with the other keys.
func importAll(ctx context.Context, a *app.App, s *app.Session, f importFlags, found foundKeys) error {
	var stored []string
	left, twice := len(found.left), false
	for _, w := range slices.Concat(found.warnings, found.left) {
		a.Warn(w)
	}
	for _, k := range found.keys {
		done, err := importKey(ctx, a, s, f, k)
		if err != nil && !affectsOneKey(err) {
			return err
		}
		if err != nil {
			a.Warn(fmt.Errorf("%s: %w", k.Profile, err))
		}
		twice = twice || k.otherOrigin != ""
		if !done {
			left++
			continue
		}
		stored = append(stored, ui.QuoteWord(k.Profile))
	}
	if len(stored) > 0 {
		slices.Sort(stored)
		a.Note("these keys were in a file and may be in its backups; replace each of them with aws-vault rotate (%s)", strings.Join(slices.Compact(stored), ", "))
	}
	if left > 0 {
		return &notImportedError{left, len(found.keys) + len(found.left), twice}
	}
	return nil
}

// affectsOneKey reports whether an error concerns only one key, so that the import can continue.
func affectsOneKey(err error) bool {
	var refused *awsapi.APIError
	var repeated *profile.RepeatedKeyError
	var bad *keyError
	var needed *keptInFileError
	var shared *store.SharedNameError
	return errors.As(err, &refused) && !refused.Retry || errors.As(err, &repeated) || errors.As(err, &bad) || errors.As(err, &needed) ||
		errors.As(err, &shared) || errors.Is(err, profile.ErrKeyChanged)
}

// importKey imports one key. It returns true if the keystore then contains the key. With --delete, the key must also
// have been removed from its file.
func importKey(ctx context.Context, a *app.App, s *app.Session, f importFlags, k plainKey) (bool, error) {
	a.Print("Importing %s... ", k.Profile)
	if err := checkKey(k.credentials()); err != nil {
		a.Print("failed\n")
		return false, err
	}
	got, err := transfer.Import(ctx, s.Vault, k.Profile, k.credentials(), f.overwrite)
	if err != nil {
		a.Print("failed\n")
		return false, err
	}
	switch got.Outcome {
	case transfer.NotOverwritten:
		a.Print("skipped: a different key is stored\n")
		return false, nil
	case transfer.AlreadyStored:
		a.Print("already stored, ")
	case transfer.Copied, transfer.Overwritten:
		a.Print("stored, read back, ")
		warnOnError(a, s.RememberKeystore())
		_, err := removeSessions(ctx, s, k.Profile)
		warnOnError(a, err)
	}
	a.Print("works as %s", got.Caller.ARN)
	if f.delete && k.otherOrigin != "" {
		a.Print("\n")
		return false, &keptInFileError{k.ID.Origin, k.otherOrigin}
	}
	if f.delete {
		err := k.file.RemoveKey(ctx, s.Locks, k.PlainKey)
		var linked *configfile.LinkedKeyError
		if err != nil && !errors.As(err, &linked) {
			a.Print("\n")
			return false, err
		}
		a.Print(", removed from %s\n", k.file.Name)
		warnOnError(a, err)
		return true, nil
	}
	a.Print("\n")
	return true, nil
}
