package prompt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ykman reads a code from a YubiKey with Yubico's command-line program ykman.
var ykman = Driver{
	Name:   "ykman",
	Device: true,
	Works:  ykmanWorks,
	Ask:    askYKMan,
}

var errNoYubiKey = errors.New("no YubiKey is plugged in")

// ykmanWorks returns an error if ykman is not installed, or if no YubiKey that the user selected is plugged in. The
// variable YKMAN_OATH_DEVICE_SERIAL selects one YubiKey; without the variable, every YubiKey is accepted.
func ykmanWorks(env Env) error {
	path, err := env.LookPath("ykman")
	if err != nil {
		return err
	}
	out, err := env.probe([]string{path, "list", "--serials"}, noInput)
	if err != nil {
		return err
	}
	serials := strings.Fields(string(out))
	if len(serials) == 0 {
		return errNoYubiKey
	}
	wanted := env.variable("YKMAN_OATH_DEVICE_SERIAL")
	if wanted != "" && !slices.Contains(serials, wanted) {
		return fmt.Errorf("YKMAN_OATH_DEVICE_SERIAL is %q, but only these YubiKeys are plugged in: %s", sanitize(wanted), sanitize(strings.Join(serials, ", ")))
	}
	return nil
}

// askYKMan lets ykman use the terminal, because ykman may prompt for a touch or for the password of the YubiKey.
func askYKMan(ctx context.Context, env Env, r Request) (string, error) {
	path, err := env.LookPath("ykman")
	if err != nil {
		return "", err
	}
	args, err := ykmanArguments(env, r)
	if err != nil {
		return "", err
	}
	out, err := env.Run(ctx, append([]string{path}, args...), nil)
	return strings.TrimSpace(string(out)), err
}

func ykmanArguments(env Env, r Request) ([]string, error) {
	if r.Kind != Code {
		return nil, fmt.Errorf("cannot answer a request for a %s, only for a code", r.Kind)
	}
	credential := env.variable("YKMAN_OATH_CREDENTIAL_NAME")
	if credential == "" {
		credential = r.Device
	}
	if credential == "" || strings.HasPrefix(credential, "-") {
		return nil, fmt.Errorf("the name of the TOTP account is %q, expected the MFA device's serial", sanitize(credential))
	}
	var args []string
	if serial := env.variable("YKMAN_OATH_DEVICE_SERIAL"); serial != "" {
		args = []string{"--device", serial}
	}
	switch version := env.variable("AWS_VAULT_YKMAN_VERSION"); version {
	case "1", "2", "3":
		args = append(args, "oath", "code")
	case "", "4", "5":
		args = append(args, "oath", "accounts", "code")
	default:
		return nil, fmt.Errorf("AWS_VAULT_YKMAN_VERSION is %q, expected a number from 1 to 5", sanitize(version))
	}
	return append(args, "--single", credential), nil
}
