// Package hint says what to do about an error. Errors carry facts only; what the user can do is
// listed here. An error of a single command has a method Remedy instead.
package hint

import (
	"errors"
	"io/fs"

	"aws-vault/cli/envvar"
	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/keystore"
	"aws-vault/vault/program"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// A ConfirmError is what kept a yes from coming.
type ConfirmError struct{ Err error }

func (e *ConfirmError) Error() string { return e.Err.Error() }

func (e *ConfirmError) Unwrap() error { return e.Err }

// Facts are what a hint depends on besides the error.
type Facts struct {
	Keystore         string        // the keystore in use; empty if none was opened
	PreviousKeystore func() string // the keystore that keys were last written to; empty for the one in use
}

// For returns what to do about an error. An error of a single command has a method Remedy;
// this file and hint*.go have the remedies of all others.
func For(err error, f Facts) []string {
	var out []string
	for _, h := range remedies {
		if text := h(err, f); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// ownRemedy returns the remedy that an error brings itself; empty if it has none.
func ownRemedy(err error) string {
	var own interface {
		error
		Remedy() string
	}
	if errors.As(err, &own) {
		return own.Remedy()
	}
	return ""
}

// remedies are functions that each return a hint about one kind of error, or nothing.
var remedies = []func(error, Facts) string{
	identityRemedy,
	profileRemedy,
	planRemedy,
	promptRemedy,
	keystoreRemedy,
	stateRemedy,
	folderRemedy,
	sealedRemedy,
	cardRemedy,
	codeCardRemedy,
	awsRemedy,
	providerRemedy,
	signInRemedy,
	rotationRemedy,
	limitRemedy,
	commandRemedy,
}

// promptRemedy is what to do where nobody can be asked.
func promptRemedy(err error, f Facts) string {
	var noWay *prompt.NoDriverError
	var loginRequired *vault.LoginRequiredError
	var confirm *ConfirmError
	var driver *prompt.UnknownDriverError
	var notConfirmed *source.NotConfirmedError
	switch {
	case errors.As(err, &driver) && driver.Name == "pass":
		return "let the profile run pass: mfa_process = pass otp NAME"
	case !errors.As(err, &noWay), errors.As(err, &loginRequired), errors.As(err, &notConfirmed): // a server's client can set none of what follows, and a sign-in has a hint of its own
		return ""
	case errors.As(err, &confirm):
		return "say yes beforehand with --force"
	}
	variable := envvar.FilePassphrase
	if f.Keystore == keystore.SealedBackend {
		variable = envvar.SealedPassphrase
	}
	return "answer without being asked: --mfa-token for a code, mfa_process in the profile, or " + variable + " for a passphrase; or name another way with --prompt"
}

// commandRemedy is what to do about one command's own errors, and about files.
func commandRemedy(err error, _ Facts) string {
	var caller *store.DeadlockError
	var running *program.RecursionError
	var noTerminal *program.NoTerminalError
	switch {
	case errors.As(err, &noTerminal):
		return "programs that aws-vault runs beside a command or a server have no terminal. If this one needs one, run in another terminal: aws-vault exec PROFILE -- true"
	case errors.As(err, &caller), errors.As(err, &running):
		return "a program that aws-vault runs cannot get from a second aws-vault what the first one waits for: let it use another profile or another keystore"
	case ownRemedy(err) != "":
		return ownRemedy(err)
	case stateRemedy(err, Facts{}) != "" || folderRemedy(err, Facts{}) != "":
		return ""
	case errors.Is(err, fs.ErrPermission):
		return "the files of aws-vault belong to the user who runs it: see their owner and mode"
	}
	return ""
}
