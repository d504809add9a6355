package unlocked

import (
	"errors"
	"time"

	"github.com/99designs/keyring"
	"golang.org/x/sys/unix"
)

// keychain opens the login keychain, which stores the key. Builds without cgo have no keychain.
func keychain() (keyring.Keyring, error) {
	ring, err := keyring.Open(keyring.Config{
		AllowedBackends: []keyring.BackendType{keyring.KeychainBackend},
		ServiceName:     "aws-vault unlocked", KeychainTrustApplication: true, KeychainAccessibleWhenUnlocked: true,
	})
	if errors.Is(err, keyring.ErrNoAvailImpl) {
		err = ErrUnsupported
	}
	return ring, err
}

func put(name string, raw []byte, _ time.Duration) error {
	ring, err := keychain()
	if err != nil {
		return err
	}
	return ring.Set(keyring.Item{Key: name, Label: "aws-vault (unlocked)", Data: raw, KeychainNotSynchronizable: true})
}

func get(name string) ([]byte, error) {
	ring, err := keychain()
	if errors.Is(err, ErrUnsupported) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	it, err := ring.Get(name)
	if errors.Is(err, keyring.ErrKeyNotFound) {
		return nil, ErrNotFound
	}
	return it.Data, err
}

func remove(name string) error {
	ring, err := keychain()
	if errors.Is(err, ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := ring.Remove(name); !errors.Is(err, keyring.ErrKeyNotFound) {
		return err
	}
	return nil
}

// sleptTime returns how long the computer has been suspended: the difference between a clock that continues during
// a suspend and a clock that stops during a suspend.
// https://developer.apple.com/documentation/kernel/mach_continuous_time
func sleptTime() (time.Duration, error) {
	var all, awake unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &all); err != nil {
		return 0, err
	}
	if err := unix.ClockGettime(unix.CLOCK_UPTIME_RAW, &awake); err != nil {
		return 0, err
	}
	return time.Duration(all.Nano() - awake.Nano()), nil
}
