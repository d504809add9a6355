package vault

import "fmt"

// NotUserError is returned for a stored key that is not an IAM user's, such as the one of
// an account's root.
type NotUserError struct{ Name, Caller string }

func (e *NotUserError) Error() string {
	return fmt.Sprintf("key %q is the key of %s, want one of an IAM user", e.Name, e.Caller)
}
