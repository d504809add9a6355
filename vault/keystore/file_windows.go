package keystore

// escapedInFiles are the characters of an item's name that its file's name cannot have. aws-vault 7
// escapes only the slash, and fails at the others here.
// https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
const escapedInFiles = `/\:*?"<>|`
