package unlocked

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"aws-vault/vault/keystore/kernelkey"
)

// kernel is the user's keyring in the Linux kernel, which stores the key. Only processes that possess this keyring
// can read the key.
var kernel = kernelkey.Ring{Permissions: kernelkey.Possessors}

func put(name string, raw []byte, left time.Duration) error {
	err := kernel.Put(name, raw, left)
	if errors.Is(err, kernelkey.ErrUnsupported) {
		err = ErrUnsupported
	}
	return err
}

func get(name string) ([]byte, error) {
	raw, err := kernel.Secret(name)
	if absent(err) {
		err = ErrNotFound
	}
	return raw, err
}

func remove(name string) error {
	if err := kernel.Remove(name); !absent(err) {
		return err
	}
	return nil
}

// absent reports whether err means that no key is stored, or that the kernel cannot store keys.
func absent(err error) bool {
	return errors.Is(err, kernelkey.ErrNotFound) || errors.Is(err, kernelkey.ErrUnsupported)
}

// sleptTime returns how long the computer has been suspended: the difference between a clock that continues during
// a suspend and a clock that stops during a suspend.
func sleptTime() (time.Duration, error) {
	var boot, awake unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot); err != nil {
		return 0, err
	}
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake); err != nil {
		return 0, err
	}
	return time.Duration(boot.Nano() - awake.Nano()), nil
}
