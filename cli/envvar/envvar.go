// Package envvar names the environment variables that several packages use, and removes variables
// from an environment.
package envvar

import (
	"runtime"
	"slices"
	"strings"

	"aws-vault/vault/program"
)

// FilePassphrase names the variable that contains the file keystore's passphrase. If the variable is set, aws-vault
// does not prompt for the passphrase.
const FilePassphrase = "AWS_VAULT_FILE_PASSPHRASE"

// Unlocking lists the variables that unlock a keystore.
var Unlocking = []string{
	FilePassphrase, SealedPassphrase,
	"AWS_VAULT_OP_CONNECT_TOKEN", "AWS_VAULT_OP_SERVICE_ACCOUNT_TOKEN", "PROTON_PASS_PERSONAL_ACCESS_TOKEN",
}

// Scrubbed lists variables that select other credentials, which SDKs could use instead of those of the profile. So a
// command does not inherit these variables. It does not inherit the variables of [Unlocking] either.
var Scrubbed = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_CREDENTIAL_FILE", "AWS_DEFAULT_PROFILE", ProfileName, "AWS_SDK_LOAD_CONFIG",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
}

// ProfileName names the variable with the profile's name. It is in [Scrubbed], but it is not secret.
const ProfileName = "AWS_PROFILE"

// Secret reports whether only a credential_process and aws-vault itself may get the variable with this name. These are
// the variables in [Unlocking], and those in [Scrubbed] except [ProfileName].
func Secret(name string) bool {
	same := func(s string) bool { return Same(s, name) }
	return slices.ContainsFunc(Unlocking, same) || slices.ContainsFunc(Scrubbed, same) && !Same(name, ProfileName)
}

// WithoutSecrets deletes the variables that are secret from environ. It changes environ and returns the shorter slice.
func WithoutSecrets(environ []string) []string {
	return slices.DeleteFunc(environ, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return Secret(name)
	})
}

// Incidental lists variables of the shell and the terminal that do not change which credentials a
// credential_process prints. They are not part of the cache key. If PWD were part of the key, each directory would
// have its own cached session.
var Incidental = []string{
	"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "TERM", "WINDOWID", "TERM_SESSION_ID", "ITERM_SESSION_ID", "KITTY_WINDOW_ID", "WT_SESSION",
	"GNOME_TERMINAL_SCREEN", "TMUX_PANE", "GPG_TTY", "SSH_TTY", "SSH_CLIENT", "SSH_CONNECTION", "XDG_SESSION_ID",
	Callers, program.LocksVariable,
}

// Drop deletes the variables with the given names from environ. It changes environ and returns the shorter slice.
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

// Same reports whether two names mean the same variable. On Windows, the names of variables are not case-sensitive.
func Same(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}

// Callers names a variable that aws-vault sets for the command of a profile. The variable lists the profiles whose
// commands started this command, directly or through other commands. With this list, aws-vault detects a
// credential_process that runs itself.
const Callers = "AWS_VAULT_CALLERS"

// SealedPassphrase names the variable that contains the sealed keystore's passphrase. If the variable is not empty,
// aws-vault does not prompt for the passphrase.
const SealedPassphrase = "AWS_VAULT_SEALED_PASSPHRASE"

// OATHDevice names the variable that contains the serial number of the security key that provides MFA codes.
// aws-vault reads the variable if --card is not given. The program ykman uses the same variable.
const OATHDevice = "YKMAN_OATH_DEVICE_SERIAL"

// OATHAccount names the variable that contains the name of the TOTP account to use. If the variable is empty,
// aws-vault uses the account that has the name of the MFA device. The program ykman uses the same variable.
const OATHAccount = "YKMAN_OATH_CREDENTIAL_NAME"

// TrustConfig names the variable that makes aws-vault run the programs in config files that other users can change.
const TrustConfig = "AWS_VAULT_TRUST_CONFIG"
