package kernelkey

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

var (
	// ErrNotFound says that there is no such key: there never was, it has ended, or it was revoked.
	ErrNotFound = errors.New("no such key in the kernel")

	// ErrUnsupported says that this kernel has no keyrings, or that a container keeps them from us.
	ErrUnsupported = errors.New("the kernel keeps no keys for us")

	// ErrFull says that the user's share of the kernel's memory for keys is used up.
	// https://man7.org/linux/man-pages/man7/keyrings.7.html ("/proc/sys/kernel/keys/maxbytes")
	ErrFull = errors.New("the kernel keeps no more keys for this user: the quota in /proc/sys/kernel/keys is used up")
)

// The kernel's types of keys that are used here.
const (
	secretType = "user"
	ringType   = "keyring"
)

// withUserKeyring runs act with the user's keyring linked to this thread's own: then its keys are in our
// possession, whatever session we were started in.
func withUserKeyring(act func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := link(unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING); err != nil {
		return convertUnsupported(err)
	}
	return act()
}

func convertUnsupported(err error) error {
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOPNOTSUPP) {
		return ErrUnsupported
	}
	return err
}

// isMissing are the kernel's words for a key that is not there, or not any more.
func isMissing(err error) bool {
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED)
}

// convertError puts what the kernel says of a call into our words.
func convertError(call string, err error) error {
	switch {
	case isMissing(err):
		return ErrNotFound
	case errors.Is(err, unix.EDQUOT):
		return ErrFull
	}
	return os.NewSyscallError("keyctl "+call, err)
}

// newKey makes a key in the thread's own keyring. Until it is linked elsewhere nobody else possesses
// it, and by the rights that the kernel gives it only possessors may read.
func newKey(kind, name string, payload []byte, permissions Permissions) (int, error) {
	id, err := unix.AddKey(kind, name, payload, unix.KEY_SPEC_THREAD_KEYRING)
	if err != nil {
		return 0, convertError("add", err)
	}
	if err := unix.KeyctlSetperm(id, uint32(permissions)); err != nil {
		unlinkFromThread(id)
		return 0, convertError("set permission", err)
	}
	return id, nil
}

// unlinkFromThread takes a key out of the thread's own keyring. One that is linked nowhere else is destroyed.
func unlinkFromThread(id int) { unlink(id, unix.KEY_SPEC_THREAD_KEYRING) }

func unlink(id, ring int) { unix.KeyctlInt(unix.KEYCTL_UNLINK, id, ring, 0, 0) }

// link puts a key into a ring, in place of one of the same name.
func link(id, ring int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_LINK, id, ring, 0, 0)
	return convertError("link", err)
}

// moveExclusive puts a key of this thread's into a ring that has none of that name, and is EEXIST for
// one that has. Kernels before 5.3 cannot.
// https://man7.org/linux/man-pages/man2/keyctl.2.html
func moveExclusive(id, ring int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_MOVE, id, unix.KEY_SPEC_THREAD_KEYRING, ring, unix.KEYCTL_MOVE_EXCL)
	return convertError("move", err)
}

// read returns what a key holds, or a keyring: the numbers of its keys. most bounds it, in bytes.
func read(id, maxSize int) ([]byte, error) {
	for size := min(4<<10, maxSize); ; {
		buf := make([]byte, size)
		n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, buf, 0)
		switch {
		case err != nil:
			return nil, convertError("read", err)
		case n <= size:
			return buf[:n], nil
		case n > maxSize:
			return nil, convertError("read", unix.EFBIG)
		}
		size = n
	}
}
