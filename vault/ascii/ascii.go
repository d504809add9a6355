// Package ascii tells letters, digits and other characters of ASCII apart. Characters of other
// scripts are of no kind. Which other characters a name may have is left to the caller.
package ascii

// IsAlphanumeric reports whether c is a letter or a digit.
func IsAlphanumeric[C byte | rune](c C) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// IsGraphic reports whether c is printed as a sign: it is neither a blank nor a control character.
func IsGraphic[C byte | rune](c C) bool { return ' ' < c && c <= '~' }
