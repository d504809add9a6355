package vault

import "fmt"

// NotUserError reports that a stored key does not belong to an IAM user. It may be a root user's key.
type NotUserError struct{ Name, Caller string }

func (e *NotUserError) Error() string {
	return fmt.Sprintf("key %q belongs to %s, expected an IAM user", e.Name, e.Caller)
}
