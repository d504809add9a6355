// Package envvar names the environment variables that several packages use, and deletes variables
// from an environment.
package envvar

import (
	"runtime"
	"slices"
	"strings"

	"aws-vault/vault/program"
)

// FilePassphrase holds the file keystore's passphrase, for those who cannot be asked.
const FilePassphrase = "AWS_VAULT_FILE_PASSPHRASE"

// Unlocking are the variables that open the vault itself.
var Unlocking = []string{
	FilePassphrase, SealedPassphrase,
	"AWS_VAULT_OP_CONNECT_TOKEN", "AWS_VAULT_OP_SERVICE_ACCOUNT_TOKEN", "PROTON_PASS_PERSONAL_ACCESS_TOKEN",
}

// Scrubbed are, with unlocking, the variables that a command does not inherit: other credentials, which
// would beat or mislead the ones it is given.
var Scrubbed = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_CREDENTIAL_FILE", "AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_SDK_LOAD_CONFIG",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
}

// Incidental are variables that do not tell a program whose credentials to print: what a shell notes for itself, and
// where a terminal is. The current directory is one of them: otherwise each directory would have a session of its own.
var Incidental = []string{
	"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "TERM", "WINDOWID", "TERM_SESSION_ID", "ITERM_SESSION_ID", "KITTY_WINDOW_ID", "WT_SESSION",
	"GNOME_TERMINAL_SCREEN", "TMUX_PANE", "GPG_TTY", "SSH_TTY", "SSH_CLIENT", "SSH_CONNECTION", "XDG_SESSION_ID",
	Callers, program.LocksVariable,
}

// Drop deletes the variables of these names from an environment, which it changes.
func Drop(environ []string, lists ...[]string) []string {
	return slices.DeleteFunc(environ, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		for _, names := range lists {
			for _, s := range names {
				if Same(s, name) {
					return true
				}
			}
		}
		return false
	})
}

// Same reports whether two names are those of one variable.
func Same(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}

// Callers tells a program that a profile runs which profiles have led to it, so
// that a credential_process which comes back to itself is seen.
const Callers = "AWS_VAULT_CALLERS"

// SealedPassphrase holds the passphrase of the sealed keystore, for those who cannot be asked.
const SealedPassphrase = "AWS_VAULT_SEALED_PASSPHRASE"

// OATHDevice names the key to use, where several are plugged in and --card names none, by its
// serial number. It is the one that the ykman driver heeds too.
const OATHDevice = "YKMAN_OATH_DEVICE_SERIAL"

// OATHAccount names the account to use whatever the MFA device is called, likewise.
const OATHAccount = "YKMAN_OATH_CREDENTIAL_NAME"
