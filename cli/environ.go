package cli

import (
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
	"aws-vault/vault/program"
)

// unlocking are the variables that open the vault itself.
var unlocking = []string{
	passphraseVariable, sealedVariable,
	"AWS_VAULT_OP_CONNECT_TOKEN", "AWS_VAULT_OP_SERVICE_ACCOUNT_TOKEN", "PROTON_PASS_PERSONAL_ACCESS_TOKEN",
}

// scrubbed are, with unlocking, the variables that a command does not inherit: other credentials, which
// would beat or mislead the ones it is given.
var scrubbed = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_CREDENTIAL_FILE", "AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_SDK_LOAD_CONFIG",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
}

// incidental are variables that do not tell a program whose credentials to print: what a shell notes for itself, and
// where a terminal is. The current directory is one of them: otherwise each directory would have a session of its own.
var incidental = []string{
	"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "TERM", "WINDOWID", "TERM_SESSION_ID", "ITERM_SESSION_ID", "KITTY_WINDOW_ID", "WT_SESSION",
	"GNOME_TERMINAL_SCREEN", "TMUX_PANE", "GPG_TTY", "SSH_TTY", "SSH_CLIENT", "SSH_CONNECTION", "XDG_SESSION_ID",
	callersVariable, program.HeldVariable,
}

// programEnvironment is what a credential_process may go by: the environment without what is incidental, and without
// what opens the vault, which must not be part of a hash.
func (a *app) programEnvironment() []string {
	return drop(slices.Clone(a.env.Environ()), incidental, unlocking)
}

// childEnvironment is what a command is given: ours, without what is scrubbed, and with
// what gives it the credentials of a plan.
func (a *app) childEnvironment(pl plan.Plan, given []variable) []string {
	environ := drop(slices.Clone(a.env.Environ()), scrubbed, unlocking)
	for _, v := range append([]variable{{"AWS_VAULT", pl.Profile}}, given...) {
		environ = append(drop(environ, []string{v.name}), v.name+"="+v.value)
	}
	return environ
}

// drop deletes the variables of these names from an environment, which it changes.
func drop(environ []string, lists ...[]string) []string {
	return slices.DeleteFunc(environ, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.ContainsFunc(lists, func(names []string) bool {
			return slices.ContainsFunc(names, func(s string) bool { return sameVariable(s, name) })
		})
	})
}

func sameVariable(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}

type variable struct{ name, value string }

// variables are the credentials as the SDKs read them from the environment, with the
// region and endpoint of the profile where it sets them.
func variables(pl plan.Plan, c aws.Credentials) []variable {
	vars := []variable{{"AWS_ACCESS_KEY_ID", c.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey}}
	if c.SessionToken != "" {
		vars = append(vars, variable{"AWS_SESSION_TOKEN", c.SessionToken})
	}
	if c.CanExpire {
		vars = append(vars, variable{"AWS_CREDENTIAL_EXPIRATION", expiration(c)})
	}
	return append(vars, surroundings(pl)...)
}

// surroundings are the region and endpoint of the profile.
func surroundings(pl plan.Plan) (vars []variable) {
	if pl.Region != "" {
		vars = append(vars, variable{"AWS_REGION", pl.Region}, variable{"AWS_DEFAULT_REGION", pl.Region})
	}
	if pl.URL != "" {
		vars = append(vars, variable{"AWS_ENDPOINT_URL", pl.URL})
	}
	return vars
}

func expiration(c aws.Credentials) string { return c.Expires.UTC().Format(time.RFC3339) }
