package prompt

import (
	"context"
	"errors"
	"fmt"
)

// yubikey reads a code directly from a YubiKey, without the program ykman.
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
			return "", fmt.Errorf("cannot answer a request for a %s, only for a code", r.Kind)
		}
		return env.KeyCode(ctx, r.Device)
	},
}

var errNoKeys = errors.New("security keys are not available here")
