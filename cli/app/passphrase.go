package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"aws-vault/cli/envvar"
	"aws-vault/prompt"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/sealed"
)

// minPassphrase is the minimum number of characters of a passphrase. A shorter passphrase causes a warning.
const minPassphrase = 8

// commonPassphrases lists passphrases that attackers try first. It omits those that are shorter than minPassphrase.
const commonPassphrases = `
	00000000 0123456789 0987654321 11111111 1111111111 111222tianya 11223344 112233445566 12121212 123123123
	12341234 1234512345 12344321 123454321 1234554321 123456123456 12345678 123456789 1234567890 123456789a
	12345678910 123456abc 123456qwe 123456qwerty 123321123 123qweasd 123qweasdzxc 12qwaszx 147258369 159357159
	1password 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 22222222 31415926 55555555
	66666666 77777777 87654321 88888888 963852741 987654321 9876543210 99999999 a1234567 a12345678
	a123456789 aa123456 aa12345678 abc12345 abc123456 abcd1234 abcdefgh adminadmin admin123 administrator
	alexander asdf1234 asdfasdf asdfghjk asdfghjkl aws-vault awsvault baseball butterfly changeit changeme
	charlie1 chocolate computer default1 dragon123 football football1 iloveyou iloveyou1 internet jennifer
	letmein1 letmein123 liverpool love1234 master123 michelle nopassword p@ssw0rd p@ssword
	pa55word passphrase passw0rd password password! password1 password12 password123 password1234 princess
	q1w2e3r4 q1w2e3r4t5 qazwsxedc qwer1234 qwerty12 qwerty123 qwerty1234 qwertyui qwertyuiop samantha
	secret123 starwars sunshine superman test1234 testtest trustno1 welcome1 welcome123 whatever zaq12wsx
	zxcvbnm1 zxcvbnm123
`

// A weakPassphraseError reports a new passphrase that is easy to guess.
type weakPassphraseError struct{ why string }

func (e *weakPassphraseError) Error() string {
	return "the new passphrase is easy to guess: it " + e.why
}

// checkPassphrase returns a [*weakPassphraseError] for a passphrase that is easy to guess.
func checkPassphrase(text string) error {
	switch {
	case utf8.RuneCountInString(text) < minPassphrase:
		return &weakPassphraseError{"has fewer than 8 characters"}
	case slices.Contains(strings.Fields(commonPassphrases), strings.ToLower(text)):
		return &weakPassphraseError{"is one of the most common ones"}
	}
	return nil
}

// GivenPassphrase returns the parameter text, which is a new passphrase from stdin or the environment. If the
// passphrase is weak, GivenPassphrase prints a warning. It returns no error, because a script cannot choose another
// passphrase.
func GivenPassphrase(a *App, text string) string {
	if err := checkPassphrase(text); err != nil && text != "" {
		a.Warn(err)
	}
	return text
}

// ChoosePassphrase prompts for a new passphrase. If the passphrase is weak, ChoosePassphrase asks whether to use it
// anyway. If the user declines, ChoosePassphrase prompts for another passphrase.
func (q Asker) ChoosePassphrase(ctx context.Context, r prompt.Request) (string, error) {
	for try := 1; ; try++ {
		text, err := q.Ask(ctx, r)
		if err != nil {
			return "", err
		}
		weak := checkPassphrase(text)
		if weak == nil {
			return text, nil
		}
		q.app.Warn(weak)
		yes, err := q.Ask(ctx, prompt.Request{Kind: prompt.Confirm, Text: "Use it anyway?"})
		switch {
		case err != nil:
			return "", err
		case yes != "":
			return text, nil
		case try == maxPassphraseTries:
			return "", weak
		}
	}
}

// maxPassphraseTries is the number of prompts for a new passphrase after which ChoosePassphrase returns an error.
const maxPassphraseTries = 3

// A keystorePassphrase is a request for the passphrase of a keystore.
type keystorePassphrase struct {
	dir      string
	isNew    bool    // whether the user chooses a new passphrase
	tries    int     // number of wrong passphrases so far
	given    *string // the value of the environment variable; nil if it is not set
	variable string  // the name of the environment variable
	wrong    error   // the error to return if the value of the environment variable is wrong
}

// filePassphrase returns the file keystore's passphrase, from an environment variable or from a prompt. If the variable
// is set to an empty string, filePassphrase returns the empty string, and the keystore refuses it.
func (q Asker) filePassphrase(ctx context.Context, ask keystore.PassphrasePrompt) (string, error) {
	p := keystorePassphrase{dir: ask.Dir, isNew: ask.New, tries: ask.Wrong, variable: envvar.FilePassphrase, wrong: keystore.ErrWrongPassphrase}
	if text, ok := q.app.Env.Getenv(envvar.FilePassphrase); ok {
		p.given = &text
	}
	return q.keystorePassphrase(ctx, p)
}

// sealedPassphrase returns the sealed keystore's passphrase, from an environment variable or from a prompt.
func (q Asker) sealedPassphrase(ctx context.Context, ask sealed.PassphrasePrompt) (string, error) {
	p := keystorePassphrase{dir: ask.Dir, isNew: ask.New, tries: ask.Wrong, variable: envvar.SealedPassphrase, wrong: sealed.ErrWrongPassphrase}
	if text := GivenSealedPassphrase(q.app); text != "" {
		p.given = &text
	}
	return q.keystorePassphrase(ctx, p)
}

func (q Asker) keystorePassphrase(ctx context.Context, p keystorePassphrase) (string, error) {
	dir := q.app.Env.Tilde(p.dir)
	switch {
	case p.given == nil:
	case p.tries > 0:
		return "", fmt.Errorf("%w for %s (%s)", p.wrong, dir, p.variable)
	case p.isNew:
		return GivenPassphrase(q.app, *p.given), nil
	default:
		return *p.given, nil
	}
	r := prompt.Request{Kind: prompt.Passphrase, New: p.isNew, Text: "Passphrase to unlock " + dir}
	if p.isNew {
		r.Text = "New passphrase for " + dir
	}
	if p.tries > 0 {
		r.RetryReason = "That passphrase is wrong"
	}
	ctx, lock, err := q.locks.Named(ctx, "unlock", "the passphrase of "+dir)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if p.isNew {
		return q.ChoosePassphrase(ctx, r)
	}
	return q.Ask(ctx, r)
}
