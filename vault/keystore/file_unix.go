//go:build !windows

package keystore

// escapedInFiles lists the characters that are escaped in file names, in addition to the percent sign. On Unix,
// aws-vault 7 escapes the same characters.
const escapedInFiles = "/"
