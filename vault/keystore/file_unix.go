//go:build !windows

package keystore

// escapedInFiles are the characters of an item's name that its file's name cannot have. On Unix
// they are aws-vault 7's.
const escapedInFiles = "/"
