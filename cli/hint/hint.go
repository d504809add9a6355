// Package hint returns hints, which tell the user what to do about an error. The text of an error contains only
// facts. If only one command uses an error type, that type has a method Remedy, which returns the hint.
package hint

import (
	"errors"
	"fmt"
	"io/fs"

	"aws-vault/cli/envvar"
	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/keystore"
	"aws-vault/vault/program"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// A ConfirmError wraps an error from a prompt that asks the user to confirm an action. If no prompt is possible, the
// hint is to use --force.
type ConfirmError struct{ Err error }

func (e *ConfirmError) Error() string { return e.Err.Error() }

func (e *ConfirmError) Unwrap() error { return e.Err }

// Facts contains what a hint depends on in addition to the error.
type Facts struct {
	Keystore         string        // the keystore in use; empty if none was opened
	PreviousKeystore func() string // returns the keystore to which keys were last written, or an empty string if that keystore is in use now
}

// For returns the hints for an error: usually one hint, sometimes none or several.
func For(err error, f Facts) []string {
	var out []string
	for _, h := range remedies {
		if text := h(err, f); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// ownRemedy returns the result of the error's Remedy method, or an empty string if the error has no such method.
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

// remedies lists functions that each return the hint for one kind of error, or an empty string for all other errors.
var remedies = []func(error, Facts) string{
	identityRemedy,
	profileRemedy,
	planRemedy,
	promptRemedy,
	keystoreRemedy,
	stateRemedy,
	folderRemedy,
	sharedConfigRemedy,
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

// promptRemedy returns the hint for the error that no prompt is possible.
func promptRemedy(err error, f Facts) string {
	var noWay *prompt.NoDriverError
	var loginRequired *vault.LoginRequiredError
	var confirm *ConfirmError
	var driver *prompt.UnknownDriverError
	var notConfirmed *source.NotConfirmedError
	switch {
	case errors.As(err, &driver) && driver.Name == "pass":
		return "set mfa_process = pass otp NAME in the profile"
	// Hints about flags do not help the client of a server, which receives a LoginRequiredError. signInRemedy
	// returns the hint for a NotConfirmedError.
	case !errors.As(err, &noWay), errors.As(err, &loginRequired), errors.As(err, &notConfirmed):
		return ""
	case errors.As(err, &confirm):
		return "confirm with --force"
	}
	variable := envvar.FilePassphrase
	if f.Keystore == keystore.SealedBackend {
		variable = envvar.SealedPassphrase
	}
	return "pass the MFA code with --mfa-token or mfa_process, or the passphrase in " + variable + "; or choose another prompt with --prompt"
}

// commandRemedy returns the hint for an error that has a Remedy method, or for an error about a program or a file.
func commandRemedy(err error, _ Facts) string {
	var caller *store.DeadlockError
	var waited *store.LockTimeoutError
	var running *program.RecursionError
	var noTerminal *program.NoTerminalError
	switch {
	case errors.As(err, &noTerminal):
		return "a program that runs in the background cannot prompt; run this in another terminal and answer the prompt there: aws-vault exec PROFILE -- true"
	case errors.As(err, &waited):
		return fmt.Sprintf("answer the prompt of process %d, if it has one, or wait longer with --timeout", waited.Process)
	case errors.As(err, &caller), errors.As(err, &running):
		return "use another profile or keystore in the program that aws-vault starts"
	case ownRemedy(err) != "":
		return ownRemedy(err)
	case stateRemedy(err, Facts{}) != "" || folderRemedy(err, Facts{}) != "":
		return ""
	case errors.Is(err, fs.ErrPermission):
		return "check the owner and the mode of the file: the user who runs aws-vault must own it"
	}
	return ""
}
