//go:build unix

package keystore

import "testing"

// TestFileAndSeven holds ours against the library that aws-vault 7 has.
func TestFileAndSeven(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	s := buildSeven(t, fileBackend, "AWS_VAULT_FILE_DIR="+c.FileDir, "AWS_VAULT_FILE_PASSPHRASE="+testPassphrase)
	testSeven(t, s, mustOpen(t, c), ringTest{})
}
