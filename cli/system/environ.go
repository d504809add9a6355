package system

import (
	"os"
	"slices"
	"strings"

	"aws-vault/cli/envvar"
)

// A Taken environment is that of the process as it began, with what was taken out of it since.
type Environment struct{ secrets []string } // as NAME=VALUE

// profileVariable stays in the environment: kingpin reads it there, and it is no secret.
const profileVariable = "AWS_PROFILE"

// RemoveSecrets takes what opens the vault, and AWS credentials, out of the environment of this process. What a
// library starts, or anyone who names no environment, inherits neither. It is called once, before anything is
// started.
func RemoveSecrets() *Environment {
	t := &Environment{}
	for _, names := range [][]string{envvar.Unlocking, envvar.Scrubbed} {
		for _, name := range names {
			if name == profileVariable {
				continue
			}
			if value, ok := os.LookupEnv(name); ok {
				t.secrets = append(t.secrets, name+"="+value)
				os.Unsetenv(name)
			}
		}
	}
	return t
}

// Lookup returns a variable of the environment as it began.
func (t *Environment) Lookup(name string) (string, bool) {
	for _, kv := range t.secrets {
		if removed, value, _ := strings.Cut(kv, "="); envvar.Same(removed, name) {
			return value, true
		}
	}
	return os.LookupEnv(name)
}

// Environ returns the environment as it began, for the programs that are to have all of it and for those
// whose part is picked from it.
func (t *Environment) Environ() []string { return slices.Concat(os.Environ(), t.secrets) }
