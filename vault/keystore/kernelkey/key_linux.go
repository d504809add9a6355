package kernelkey

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

var (
	// ErrNotFound reports that the key does not exist, has expired or was revoked.
	ErrNotFound = errors.New("no such key in the kernel keyring")

	// ErrUnsupported reports that the kernel has no keyrings, or that a container denies access to them.
	ErrUnsupported = errors.New("the kernel provides no keyring")

	// ErrFull reports that the user's quota for keys is used up.
	// https://man7.org/linux/man-pages/man7/keyrings.7.html ("/proc/sys/kernel/keys/maxbytes")
	ErrFull = errors.New("the kernel keyring is full (this user's quota in /proc/sys/kernel/keys is used up)")
)

// The key types of the kernel that this package uses.
const (
	secretType = "user"
	ringType   = "keyring"
)

// withUserKeyring calls the function act while the user's keyring is linked to the thread's own keyring. The
// thread then possesses the keys in the user's keyring, even if its session's keyring has no link to the user's
// keyring.
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

// isMissing reports whether the kernel's error means that a key does not exist.
func isMissing(err error) bool {
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED)
}

// convertError converts an error that the kernel returned for a keyctl call into an error of this package.
func convertError(call string, err error) error {
	switch {
	case isMissing(err):
		return ErrNotFound
	case errors.Is(err, unix.EDQUOT):
		return ErrFull
	}
	return os.NewSyscallError("keyctl "+call, err)
}

// newKey creates a key in the thread's keyring and sets its permissions. Before the permissions are set, only
// possessors can read the key. Only this thread possesses the key until the caller links the key to another
// keyring.
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

// unlinkFromThread removes a key from the thread's keyring. The kernel destroys a key that no other keyring
// links to.
func unlinkFromThread(id int) { unlink(id, unix.KEY_SPEC_THREAD_KEYRING) }

func unlink(id, ring int) { unix.KeyctlInt(unix.KEYCTL_UNLINK, id, ring, 0, 0) }

// link adds a key to a keyring. It replaces the keyring's existing key of the same name.
func link(id, ring int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_LINK, id, ring, 0, 0)
	return convertError("link", err)
}

// moveExclusive moves a key from the thread's keyring to another keyring (ring). It returns EEXIST if that keyring
// already has a key of the same name. Kernels before 5.3 return an error, because they do not support KEYCTL_MOVE.
// https://man7.org/linux/man-pages/man2/keyctl.2.html
func moveExclusive(id, ring int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_MOVE, id, unix.KEY_SPEC_THREAD_KEYRING, ring, unix.KEYCTL_MOVE_EXCL)
	return convertError("move", err)
}

// read returns the payload of a key. The payload of a keyring is the list of its key IDs. The argument maxSize is
// the maximum length of the payload in bytes.
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
