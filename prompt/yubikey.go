package prompt

import (
	"context"
	"errors"
	"fmt"
)

// yubikey reads a code from a YubiKey, without a program of Yubico's.
var yubikey = Driver{
	Name:              "yubikey",
	Device:            true,
	WithoutPromptLock: true,
	Works: func(env Env) error {
		if env.KeyCode == nil {
			return errNoKeys
		}
		return nil
	},
	Ask: func(ctx context.Context, env Env, r Request) (string, error) {
		if r.Kind != Code {
			return "", fmt.Errorf("asked for a %s, has only codes", r.Kind)
		}
		return env.KeyCode(ctx, r.Device)
	},
}

var errNoKeys = errors.New("no security key can be used from here")
