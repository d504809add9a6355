package program

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
)

// LocksVariable is the environment variable that lists the locks of parent processes. A parent process has started
// this process, and waits for this process to end. So this process must not wait for the locks of a parent process.
// The value has the format of [FormatLocks], and contains no secret.
const LocksVariable = "AWS_VAULT_HELD_LOCKS"

// A Lock is a lock that a process holds.
type Lock struct {
	Process int
	Name    string // name of the lock file, such as session-2f1c…
}

// FormatLocks formats locks for the environment variable, as in 123:prompt 123:session-2f1c….
func FormatLocks(locks []Lock) string {
	var words []string
	for _, l := range locks {
		words = append(words, strconv.Itoa(l.Process)+":"+l.Name)
	}
	return strings.Join(words, " ")
}

// ParseLocks parses a text in the format of FormatLocks. It ignores words that are not in this format.
func ParseLocks(text string) []Lock {
	var locks []Lock
	for word := range strings.FieldsSeq(text) {
		process, name, ok := strings.Cut(word, ":")
		if n, err := strconv.Atoi(process); ok && err == nil && n > 0 && name != "" {
			locks = append(locks, Lock{n, name})
		}
	}
	return locks
}

type locksKey struct{}

// WithLock returns a context that records that this process holds the lock called name.
func WithLock(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, locksKey{}, append(slices.Clone(HeldLocks(ctx)), Lock{os.Getpid(), name}))
}

// HeldLocks returns the locks that WithLock has recorded in ctx.
func HeldLocks(ctx context.Context) []Lock {
	held, _ := ctx.Value(locksKey{}).([]Lock)
	return held
}
