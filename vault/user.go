package vault

import (
	"fmt"

	"aws-vault/vault/printable"
)

// NotUserError reports that a stored key does not belong to an IAM user. It may be a root user's key.
type NotUserError struct{ Name, Caller string }

func (e *NotUserError) Error() string {
	return fmt.Sprintf("key %s belongs to %s, expected an IAM user", printable.Quote(e.Name), e.Caller)
}
