package waiting

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// The key lies in the user's keyring in the kernel, never on a disk. Its permissions are for
// those who possess it alone: a process that has the user's keyring among its own, as each
// process of the user can.
// https://man7.org/linux/man-pages/man7/keyrings.7.html
const (
	keyType       = "user"
	possessorOnly = 0x3f000000
	placeholder   = "aws-vault"
)

// onThread runs act with the user's keyring linked to this thread's own: then its keys are in our
// possession, whatever session we were started in.
func onThread(act func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, err := unix.KeyctlInt(unix.KEYCTL_LINK, unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING, 0, 0); err != nil {
		return unsupported(err)
	}
	return act()
}

// unsupported is for kernels without keyrings, and containers that keep them from us.
func unsupported(err error) error {
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOPNOTSUPP) {
		return ErrUnsupported
	}
	return err
}

// keep makes the key in the thread's own keyring, where nobody else sees it, and shows it when it
// is whole: permissions first, then the secret and its end.
func keep(name string, raw []byte, left time.Duration) error {
	return onThread(func() error {
		id, err := unix.AddKey(keyType, name, []byte(placeholder), unix.KEY_SPEC_THREAD_KEYRING)
		if err != nil {
			return err
		}
		defer unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_THREAD_KEYRING, 0, 0)
		if err := unix.KeyctlSetperm(id, possessorOnly); err != nil {
			return err
		}
		if _, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, id, raw, 0); err != nil {
			return err
		}
		if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, int(left/time.Second), 0, 0); err != nil {
			return err
		}
		_, err = unix.KeyctlInt(unix.KEYCTL_LINK, id, unix.KEY_SPEC_USER_KEYRING, 0, 0)
		return err
	})
}

// gone are the kernel's words for a key that is not there, or not any more.
func gone(err error) bool {
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED)
}

func search(name string) (int, error) {
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, keyType, name, 0)
	if gone(err) {
		err = ErrNone
	}
	return id, err
}

func find(name string) (raw []byte, err error) {
	err = onThread(func() error {
		id, err := search(name)
		if err != nil {
			return err
		}
		raw = make([]byte, size)
		n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, raw, 0)
		if gone(err) {
			return ErrNone
		}
		raw = raw[:min(max(n, 0), size)]
		return err
	})
	if errors.Is(err, ErrUnsupported) {
		err = ErrNone // nothing can wait there
	}
	return raw, err
}

func drop(name string) error {
	err := onThread(func() error {
		id, err := search(name)
		if err != nil {
			return err
		}
		_, err = unix.KeyctlInt(unix.KEYCTL_INVALIDATE, id, 0, 0, 0)
		return err
	})
	if errors.Is(err, ErrUnsupported) || errors.Is(err, ErrNone) {
		return nil
	}
	return err
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
