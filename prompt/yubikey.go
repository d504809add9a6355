package prompt

import (
	"context"
	"errors"
	"fmt"
)

// yubikey reads a code from a YubiKey, without a program of Yubico's.
var yubikey = Driver{
	Name:   "yubikey",
	Device: true,
	Works: func(env Env) error {
		if env.KeyCode == nil {
			return errNoKeys
		}
		return nil
	},
	Ask: askYubiKey,
}

var errNoKeys = errors.New("no security key can be used from here")

func askYubiKey(ctx context.Context, env Env, r Request) (string, error) {
	if r.Kind != Code {
		return "", fmt.Errorf("asked for a %s, has only codes", r.Kind)
	}
	return env.KeyCode(ctx, r.Device, func(ctx context.Context, q Request) (string, error) {
		if env.person == nil {
			return "", errNoKeys
		}
		return env.person(ctx, q)
	})
}

// Reads reports whether the driver of that name asks a device and no person, so that it
// gives the same code again until the next.
func Reads(name string) bool {
	for _, d := range Drivers() {
		if d.Name == name {
			return d.Device
		}
	}
	return false
}
