//go:build unix

package keystore

import "testing"

// TestFileWithAWSVault7 checks that the file keystore is compatible with aws-vault 7's library.
func TestFileWithAWSVault7(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	s := buildAWSVault7(t, fileBackend, "AWS_VAULT_FILE_DIR="+c.FileDir, "AWS_VAULT_FILE_PASSPHRASE="+testPassphrase)
	testAWSVault7(t, s, mustOpen(t, c), ringTest{})
}
