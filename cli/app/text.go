package app

import (
	"io"

	"aws-vault/vault/plan"
)

// ReadText reads at most limit bytes from a file or from stdin. It removes white space and a byte order mark, because
// editors and PowerShell may add them.
func ReadText(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit))
	return plan.TrimToken(text), err
}
