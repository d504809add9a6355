package system

import (
	"os"
	"slices"
	"strings"

	"aws-vault/cli/envvar"
)

// An Environment is the environment with which this process was started. It includes the variables that RemoveSecrets
// has removed.
type Environment struct{ secrets []string } // each secret has the form NAME=VALUE

// RemoveSecrets removes AWS credentials and the variables that unlock a keystore from the environment of this
// process. Programs that aws-vault and its libraries start then do not inherit these variables. AWS_PROFILE stays,
// because kingpin reads it from the environment. RemoveSecrets must be called once, before this process starts any
// program.
func RemoveSecrets() *Environment {
	t := &Environment{}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); envvar.Secret(name) {
			t.secrets = append(t.secrets, kv)
			os.Unsetenv(name)
		}
	}
	return t
}

// Lookup returns the value that a variable had when this process was started.
func (t *Environment) Lookup(name string) (string, bool) {
	for _, kv := range t.secrets {
		if removed, value, _ := strings.Cut(kv, "="); envvar.Same(removed, name) {
			return value, true
		}
	}
	return os.LookupEnv(name)
}

// Environ returns the environment with which this process was started, including secrets. Callers must remove the
// secrets that a program must not get.
func (t *Environment) Environ() []string { return slices.Concat(os.Environ(), t.secrets) }
