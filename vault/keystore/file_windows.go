package keystore

// escapedInFiles lists the characters that are escaped in file names, in addition to the percent sign. aws-vault 7
// escapes only the slash and fails for item names with the other characters.
// https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
const escapedInFiles = `/\:*?"<>|`
