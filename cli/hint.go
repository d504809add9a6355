package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/keystore"
	"aws-vault/vault/program"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// hints are what to do about an error: the remedy is said here and in the files hint*.go, and
// nowhere else.
func hints(err error, a *app) []string {
	var out []string
	for _, h := range remedies {
		if text := h(err, a); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// remedies have one thing each to say about an error, or nothing.
var remedies = []func(error, *app) string{
	identityRemedy,
	profileRemedy,
	planRemedy,
	answerRemedy,
	keystoreRemedy,
	stateRemedy,
	folderRemedy,
	sealedRemedy,
	cardRemedy,
	noCardRemedy,
	codeCardRemedy,
	awsRemedy,
	providerRemedy,
	signInRemedy,
	rotationRemedy,
	limitRemedy,
	commandRemedy,
}

// answerRemedy is what to do where nobody can be asked.
func answerRemedy(err error, a *app) string {
	var noWay *prompt.NoWayError
	var waits *vault.LoginRequiredError
	var yes *confirmError
	var driver *prompt.UnknownDriverError
	var whose *source.NotConfirmedError
	switch {
	case errors.As(err, &driver) && driver.Name == "pass":
		return "let the profile run pass: mfa_process = pass otp NAME"
	case !errors.As(err, &noWay), errors.As(err, &waits), errors.As(err, &whose): // a server's client can set none of what follows, and a sign-in has a hint of its own
		return ""
	case errors.As(err, &yes):
		return "say yes beforehand with --force"
	}
	variable := passphraseVariable
	if a.opened == keystore.SealedBackend {
		variable = sealedVariable
	}
	return "answer without being asked: --mfa-token for a code, mfa_process in the profile, or " + variable + " for a passphrase; or name another way with --prompt"
}

// commandRemedy is what to do about one command's own errors, and about files.
func commandRemedy(err error, _ *app) string {
	var privilege *privilegeError
	var browser *browserError
	var agent *agentError
	var imported *notImportedError
	var unproven *unprovenError
	var caller *store.CallerError
	var running *program.RunningError
	var noTerminal *program.NoTerminalError
	switch {
	case errors.Is(err, errNothingServed):
		return "unset " + containerURI + " and " + containerTokenFile + " in shells that still have them: another user can listen there now"
	case errors.As(err, &noTerminal):
		return "programs that aws-vault runs beside a command or a server have no terminal. If this one needs one, run in another terminal: aws-vault exec PROFILE -- true"
	case errors.As(err, &caller), errors.As(err, &running):
		return "a program that aws-vault runs cannot get from a second aws-vault what the first one waits for: let it use another profile or another keystore"
	case errors.As(err, &privilege):
		return "sudo aws-vault proxy"
	case errors.As(err, &browser):
		return "print the address and open it yourself: aws-vault login --stdout"
	case errors.As(err, &agent):
		return "run it yourself, in a terminal that was not started by a coding agent"
	case errors.As(err, &imported) && imported.twice:
		return "a profile has two keys: take the one that you do not need out of its file, then import again"
	case errors.As(err, &imported):
		return "the lines above say why; --overwrite replaces another key that is stored"
	case errors.As(err, &unproven):
		return fmt.Sprintf("mend that, and see: aws-vault exec %s -- true. Another setup would write another profile", quoteWord(unproven.profile))
	case stateRemedy(err, nil) != "" || folderRemedy(err, nil) != "":
		return ""
	case errors.Is(err, fs.ErrPermission):
		return "the files of aws-vault belong to the user who runs it: see their owner and mode"
	}
	return ""
}
