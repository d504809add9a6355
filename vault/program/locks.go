package program

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
)

// LocksVariable is the environment variable that tells a program which locks the processes hold
// that started it and wait for it. An aws-vault that the program runs must not wait for these.
// Its value is what [FormatLocks] returns. It holds no secret.
const LocksVariable = "AWS_VAULT_HELD_LOCKS"

// A Lock is one that a process holds.
type Lock struct {
	Process int
	Name    string // of its file, such as session-2f1c…
}

// FormatLocks writes locks as the environment has them: 123:prompt 123:session-2f1c….
func FormatLocks(locks []Lock) string {
	var words []string
	for _, l := range locks {
		words = append(words, strconv.Itoa(l.Process)+":"+l.Name)
	}
	return strings.Join(words, " ")
}

// ParseLocks reads what FormatLocks wrote, and ignores what is not of that form.
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

// WithLock returns a context for what is done while this process holds the lock of that name.
func WithLock(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, locksKey{}, append(slices.Clone(HeldLocks(ctx)), Lock{os.Getpid(), name}))
}

// HeldLocks returns the locks that this process holds for what is done with ctx.
func HeldLocks(ctx context.Context) []Lock {
	held, _ := ctx.Value(locksKey{}).([]Lock)
	return held
}
