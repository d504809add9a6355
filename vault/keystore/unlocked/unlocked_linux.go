package unlocked

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"aws-vault/vault/keystore/kernelkey"
)

// The key lies in the user's keyring in the kernel, for those alone who possess it.
var kernel = kernelkey.Ring{Rights: kernelkey.Possessors}

func keep(name string, raw []byte, left time.Duration) error {
	err := kernel.Put(name, raw, left)
	if errors.Is(err, kernelkey.ErrUnsupported) {
		err = ErrUnsupported
	}
	return err
}

func find(name string) ([]byte, error) {
	raw, err := kernel.Secret(name)
	if absent(err) {
		err = ErrNone
	}
	return raw, err
}

func drop(name string) error {
	if err := kernel.Remove(name); !absent(err) {
		return err
	}
	return nil
}

// absent reports whether an error says that nothing waits: no key is there, or none can be.
func absent(err error) bool {
	return errors.Is(err, kernelkey.ErrNone) || errors.Is(err, kernelkey.ErrUnsupported)
}

// sleptTime is how far the clock that goes on while the machine sleeps is ahead of the other.
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
